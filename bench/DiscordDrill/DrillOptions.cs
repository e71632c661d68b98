using CozeCluster.Bench;

namespace CozeCluster.DiscordDrill;

/// <summary>What a drill does. Every value comes from the command line.</summary>
internal sealed record DrillOptions
{
    public const string Help = """
        DiscordDrill: a node with a fake Discord that enforces Discord's own limits, with 3 listeners and 6 accounts.

        First the storm: many conversations at once, while Discord's gateway connections are dropped, asked to reconnect, and notified that their session is
        invalid. Nothing may be lost, crossed, out of order or left behind. Then replies without buttons, at several cadences: how soon their text arrives,
        how long after their last edit they end, and how many are cut short.

          --conversations N  conversations at once, 0 to 400 (default: 200; 0: no storm)
          --turns N          turns of each conversation, 1 to 8 (default: 3)
          --cut-every MS     average time between two disconnections (default: 1000; 0: none)
          --cadences LIST    milliseconds between edits (default: 100,250,500,1000,2000,4000; none: no measurement)
          --replies N        measured replies of each cadence (default: 60), after 10 from which the bot's pace is learnt
          --jitter N         by how many percent pauses vary (default: 30)
          --seed N           seed of everything that is random (default: random; the table shows it)
          --limit S          the run is stopped after this time (default: 1800)
        """;

    public int Conversations { get; init; } = 200;
    public int Turns { get; init; } = 3;
    public int CutEveryMs { get; init; } = 1_000;
    public IReadOnlyList<int> Cadences { get; init; } = [100, 250, 500, 1_000, 2_000, 4_000];
    public int Replies { get; init; } = 60;
    public int Jitter { get; init; } = 30;
    public int Seed { get; init; }
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(30);

    /// <exception cref="ArgumentException">An option is unknown or has a wrong value.</exception>
    public static DrillOptions Parse(string[] args)
    {
        var options = new DrillOptions { Seed = Random.Shared.Next(1_000_000) };
        for (var i = 0; i < args.Length; i += 2)
        {
            var name = args[i];
            var value = i + 1 < args.Length ? args[i + 1] : throw new ArgumentException($"{name} is unknown or needs a value");
            options = name switch
            {
                "--conversations" => options with { Conversations = CommandLine.Number(name, value, 0, 400) },
                "--turns" => options with { Turns = CommandLine.Number(name, value, 1, 8) },
                "--cut-every" => options with { CutEveryMs = CommandLine.Number(name, value, 0, 600_000) },
                "--cadences" => options with { Cadences = ParseCadences(name, value) },
                "--replies" => options with { Replies = CommandLine.Number(name, value, 1, 1_000) },
                "--jitter" => options with { Jitter = CommandLine.Number(name, value, 0, 90) },
                "--seed" => options with { Seed = CommandLine.Number(name, value, 0, int.MaxValue) },
                "--limit" => options with { Limit = TimeSpan.FromSeconds(CommandLine.Number(name, value, 1, 86_400)) },
                _ => throw new ArgumentException($"unknown option {name}"),
            };
        }
        return options;
    }

    private static IReadOnlyList<int> ParseCadences(string name, string value) =>
        value == "none" ? [] : [.. value.Split(',').Select(cadence => CommandLine.Number(name, cadence, 10, 20_000))];
}
