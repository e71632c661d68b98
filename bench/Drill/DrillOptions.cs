using System.Globalization;

namespace CozeCluster.Drill;

/// <summary>What a drill does. Every value comes from the command line.</summary>
internal sealed record DrillOptions
{
    public const string Help = """
        Drill: many streamed replies while nodes are killed and connections are cut; then compares what clients got with what the fakes said.

          --streams N      replies, 1 to 2000 (default: 200)
          --seconds S      how long each one lasts at its fake, 1 to 120 (default: 20)
          --ramp S         over how long they are begun (default: half of that)
          --kills N        how often a node is killed and started again (default: 5, with --cuts: 0, in a cluster: 3)
          --cuts           cuts client connections, at any byte
          --cancel N       how many replies are cancelled under way (default: one in twenty)
          --discord        replies of bots on the fake Discord instead of the fake Coze; at most 300, none is cancelled
          --seed N         of everything that is random (default: by the clock; the table tells it)
          --limit S        gives up after so long (default: by the other options)
          --keep FOLDER    keeps the data and the logs of the servers there

        In a cluster, on a PostgreSQL of its own (needs the package postgresql):

          --silos N        so many silos, 1 to 9, instead of a single node; a silo is killed, then another, then a gateway, and so on
          --gateways N     and so many gateways, 1 to 9 (default: 2)
          --away S         how long a killed node stays away, besides its start (default: 10)
          --rolling        every node once: told to stop, and started again once it has
          --from FOLDER    an upgrade: nodes begin as the build in that folder, of whatever version, and come back as this one; with --rolling
          --to FOLDER      the other direction: nodes begin as this build and come back as the build in that folder; with --rolling
          --drain S        how long a node that is told to stop waits for its requests (default: 10)
          --notice S       how long a gateway that is told to stop takes turns before that (default: 0, with --load-balancer: 3)
          --load-balancer  clients go through HAProxy with deploy/loadbalancer.conf, instead of choosing a gateway themselves
        """;

    // A server has 500 channels, and the fake Discord remembers 50,000 things.
    private const int MostOnDiscord = 300;

    public int Streams { get; init; } = 200;
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(20);
    public TimeSpan Ramp { get; init; } = TimeSpan.FromSeconds(10);
    public int Kills { get; init; } = 5;
    public bool Cuts { get; init; }

    /// <summary>Whether replies come from the fake Discord.</summary>
    public bool Discord { get; init; }
    public int Cancels { get; init; } = 10;
    public int Seed { get; init; }
    public TimeSpan Limit { get; init; }
    public string? Keep { get; init; }

    /// <summary>How many silos; none: a single node.</summary>
    public int Silos { get; init; }
    public int Gateways { get; init; } = 2;
    public bool IsCluster => Silos > 0;

    /// <summary>How long a killed node stays away; null: up to half a second.</summary>
    public TimeSpan? Away { get; init; }

    /// <summary>Whether nodes are told to stop, instead of killed.</summary>
    public bool Rolling { get; init; }

    /// <summary>Where the build is that nodes begin as; null: this one.</summary>
    public string? From { get; init; }

    /// <summary>Where the build is that nodes come back as; null: this one.</summary>
    public string? To { get; init; }
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a gateway that is told to stop takes turns before that.</summary>
    public TimeSpan Notice { get; init; }
    public bool LoadBalancer { get; init; }

    /// <exception cref="ArgumentException">An option is unknown or its value is none it takes.</exception>
    public static DrillOptions Parse(string[] args)
    {
        var options = new DrillOptions { Seed = Random.Shared.Next(1_000_000) };
        int? kills = null, cancels = null, ramp = null, limit = null, away = null, notice = null;
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            switch (name)
            {
                case "--cuts": options = options with { Cuts = true }; continue;
                case "--discord": options = options with { Discord = true }; continue;
                case "--rolling": options = options with { Rolling = true }; continue;
                case "--load-balancer": options = options with { LoadBalancer = true }; continue;
            }
            var value = i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{name} is unknown or needs a value");
            switch (name)
            {
                case "--streams": options = options with { Streams = Number(name, value, 1, 2_000) }; break;
                case "--seconds": options = options with { Length = TimeSpan.FromSeconds(Number(name, value, 1, 120)) }; break;
                case "--ramp": ramp = Number(name, value, 0, 120); break;
                case "--kills": kills = Number(name, value, 0, 100); break;
                case "--cancel": cancels = Number(name, value, 0, 2_000); break;
                case "--seed": options = options with { Seed = Number(name, value, 0, int.MaxValue) }; break;
                case "--limit": limit = Number(name, value, 1, 3_600); break;
                case "--silos": options = options with { Silos = Number(name, value, 1, 9) }; break;
                case "--gateways": options = options with { Gateways = Number(name, value, 1, 9) }; break;
                case "--away": away = Number(name, value, 0, 120); break;
                case "--from": options = options with { From = Path.GetFullPath(value) }; break;
                case "--to": options = options with { To = Path.GetFullPath(value) }; break;
                case "--drain": options = options with { Drain = TimeSpan.FromSeconds(Number(name, value, 0, 120)) }; break;
                case "--notice": notice = Number(name, value, 0, 120); break;
                case "--keep": options = options with { Keep = Path.GetFullPath(value) }; break;
                default: throw new ArgumentException($"unknown option {name}");
            }
        }
        if (options.Discord && (options.Streams > MostOnDiscord || cancels > 0)) throw new ArgumentException($"--discord takes at most {MostOnDiscord} --streams, and no --cancel");
        if (cancels > options.Streams) throw new ArgumentException("--cancel is at most --streams");
        if (!options.IsCluster && (options.Rolling || options.LoadBalancer)) throw new ArgumentException("--rolling and --load-balancer need a cluster: --silos");
        foreach (var (name, build) in new[] { ("--from", options.From), ("--to", options.To) })
        {
            if (build is null) continue;
            if (!options.Rolling) throw new ArgumentException($"{name} needs --rolling");
            if (!File.Exists(ServerProcess.PathOf(Node.Project, build))) throw new ArgumentException($"{name}: there is no build in {build}");
        }
        if (options.Rolling && kills is not null) throw new ArgumentException("--rolling stops every node once; leave --kills out");
        options = options with
        {
            Kills = options.Rolling ? options.Silos + options.Gateways : kills ?? (options.Cuts ? 0 : options.IsCluster ? 3 : 5),
            Away = away is { } time ? TimeSpan.FromSeconds(time) : options.IsCluster && !options.Rolling ? TimeSpan.FromSeconds(10) : null,
            Notice = TimeSpan.FromSeconds(notice ?? (options.LoadBalancer ? 3 : 0)),
            Cancels = cancels ?? (options.Discord ? 0 : options.Streams / 20),
            Ramp = ramp is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Length / 2,
        };
        return options with { Limit = limit is { } most ? TimeSpan.FromSeconds(most) : options.UsualLimit };
    }

    /// <summary>Long enough for a busy machine, where a node takes its time to start.</summary>
    public TimeSpan UsualLimit => Ramp + Length * 2 + Kills * (TimeSpan.FromSeconds(30) + (Away ?? TimeSpan.Zero) + (Rolling ? Notice + Drain : TimeSpan.Zero)) + TimeSpan.FromSeconds(120);

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ArgumentException($"{name} is a whole number from {least} to {most}, was {value}");
}
