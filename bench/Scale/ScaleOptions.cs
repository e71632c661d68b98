using System.Globalization;

namespace CozeCluster.Scale;

/// <summary>The command line of the tool.</summary>
internal sealed record ScaleOptions
{
    public const string Help = """
        Fills a storage with conversations, and measures what a turn, a list and a search cost in it.

          dotnet run -c Release --project bench/Scale -- [options]

          --data FOLDER          the data folder of a SQLite storage; default: a new temporary folder, which is deleted at the end
          --postgres CONNECTION  a PostgreSQL database with the schema of this build instead
          --conversations N      default 100000
          --turns N              default 1000000, in all conversations together; one conversation has 5000 of them
          --tenants N            default 1000; one of them has a tenth of all conversations
          --usage N              instead: N rows of usage in 90 days, and --turns turns in an hour that are not counted yet
          --fleet FILE           writes a fleet file with that many tenants, 20 keys each and 10 bots each, and ends
        """;

    public string? Data { get; private set; }

    public string? Postgres { get; private set; }

    public int Usage { get; private set; }

    public string? Fleet { get; private set; }

    public int Conversations { get; private set; } = 100_000;

    public int Turns { get; private set; } = 1_000_000;

    public int Tenants { get; private set; } = 1_000;

    public static ScaleOptions Parse(string[] args)
    {
        var options = new ScaleOptions();
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new ArgumentException($"{args[i]} needs a value.");
            switch (args[i])
            {
                case "--data": options.Data = value; break;
                case "--postgres": options.Postgres = value; break;
                case "--fleet": options.Fleet = value; break;
                case "--usage": options.Usage = Number(args[i], value); break;
                case "--conversations": options.Conversations = Number(args[i], value); break;
                case "--turns": options.Turns = Number(args[i], value); break;
                case "--tenants": options.Tenants = Number(args[i], value); break;
                default: throw new ArgumentException($"Unknown option {args[i]}.");
            }
        }
        return options;
    }

    private static int Number(string option, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 10 and <= 100_000_000
            ? number
            : throw new ArgumentException($"{option}: expected a number from 10 to 100000000, found '{value}'.");
}
