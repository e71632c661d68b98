using System.Globalization;

namespace CozeCluster.DiscordDrill;

/// <summary>What a drill does. Every value comes from the command line.</summary>
internal sealed record DrillOptions
{
    public const string Help = """
        DiscordDrill: a node over a fake Discord with Discord's own limits, 3 listeners and 6 accounts.

        First many conversations at once, while gateway connections are cut, asked to reconnect, and told that their session is invalid: nothing may be lost, crossed, out of
        order or left behind. Then replies without buttons, at several cadences: how soon their text arrives, how long after their last edit they end, how many are cut short.

          --conversations N  at once, 0 to 400 (default: 200; 0: no storm)
          --turns N          of each, 1 to 8 (default: 3)
          --cut-every MS     how long connections are left alone on average (default: 1000; 0: for ever)
          --cadences LIST    milliseconds between edits (default: 100,250,500,1000,2000,4000; none: no measuring)
          --replies N        measured of each cadence (default: 60), after 10 that train the bot
          --jitter N         by how many percent pauses swing (default: 30)
          --seed N           of everything that is random (default: by the clock; the table tells it)
          --limit S          gives up after so long (default: 1800)
        """;

    public int Conversations { get; init; } = 200;
    public int Turns { get; init; } = 3;
    public int CutEvery { get; init; } = 1_000;
    public IReadOnlyList<int> Cadences { get; init; } = [100, 250, 500, 1_000, 2_000, 4_000];
    public int Replies { get; init; } = 60;
    public int Jitter { get; init; } = 30;
    public int Seed { get; init; }
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(30);

    /// <exception cref="ArgumentException">An option is unknown or its value is none it takes.</exception>
    public static DrillOptions Parse(string[] args)
    {
        var options = new DrillOptions { Seed = Random.Shared.Next(1_000_000) };
        for (var i = 0; i < args.Length; i += 2)
        {
            var name = args[i];
            var value = i + 1 < args.Length ? args[i + 1] : throw new ArgumentException($"{name} is unknown or needs a value");
            options = name switch
            {
                "--conversations" => options with { Conversations = Number(name, value, 0, 400) },
                "--turns" => options with { Turns = Number(name, value, 1, 8) },
                "--cut-every" => options with { CutEvery = Number(name, value, 0, 600_000) },
                "--cadences" => options with { Cadences = value == "none" ? [] : [.. value.Split(',').Select(one => Number(name, one, 10, 20_000))] },
                "--replies" => options with { Replies = Number(name, value, 1, 1_000) },
                "--jitter" => options with { Jitter = Number(name, value, 0, 90) },
                "--seed" => options with { Seed = Number(name, value, 0, int.MaxValue) },
                "--limit" => options with { Limit = TimeSpan.FromSeconds(Number(name, value, 1, 86_400)) },
                _ => throw new ArgumentException($"unknown option {name}"),
            };
        }
        return options;
    }

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ArgumentException($"{name} takes whole numbers from {least} to {most}, was {value}");
}
