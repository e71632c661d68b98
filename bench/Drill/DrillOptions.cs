using CozeCluster.Bench;

namespace CozeCluster.Drill;

/// <summary>What a drill does. Every value comes from the command line.</summary>
internal sealed record DrillOptions
{
    public const string Help = """
        Drill: streams many replies while nodes are killed and connections are cut; then compares what clients received with what the fakes sent.

          --streams N      number of replies, 1 to 2000 (default: 200)
          --seconds S      how long each reply lasts at its fake, 1 to 120 (default: 20)
          --ramp S         the time over which the replies are begun (default: half of --seconds)
          --kills N        how often a node is killed and started again (default: 5; with --cuts: 0; in a cluster: 3)
          --cuts           cuts client connections, at any byte
          --cancel N       how many replies are cancelled (default: one in twenty)
          --discord        replies come from bots on the fake Discord instead of the fake Coze; at most 300, none is cancelled or charged
          --charges        the tenant has budgets; the charge of each turn is compared with what the fake Coze recorded, and the budget is used up at the end
          --seed N         seed of everything that is random (default: random; the table shows it)
          --limit S        the drill is stopped after this time (default: depends on the other options)
          --keep FOLDER    keeps the data and the logs of the servers in this folder

        In a cluster, with its own PostgreSQL (needs the package postgresql):

          --silos N        number of silos, 1 to 9, instead of a single node; kills two silos, then a gateway, and so on
          --gateways N     number of gateways, 1 to 9 (default: 2)
          --away S         how long a killed node is down before it is started (default: 10)
          --rolling        stops every node once, and starts it again when it has stopped
          --from FOLDER    an upgrade: nodes first run the build in this folder, and after their restart this build; with --rolling
          --to FOLDER      the other direction: nodes first run this build, and after their restart the build in this folder; with --rolling
          --drain S        how long a node that is stopped waits for its requests (default: 10)
          --notice S       how long a gateway that is stopped accepts turns before that (default: 0; with --load-balancer: 3)
          --load-balancer  clients use HAProxy with deploy/loadbalancer.conf, instead of choosing a gateway themselves
        """;

    // A Discord server has at most 500 channels, and the fake Discord keeps at most 50,000 records.
    private const int MaxStreamsOnDiscord = 300;

    public int Streams { get; init; } = 200;
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(20);
    public TimeSpan Ramp { get; init; } = TimeSpan.FromSeconds(10);
    public int Kills { get; init; } = 5;
    public bool Cuts { get; init; }

    /// <summary>Whether replies come from the fake Discord.</summary>
    public bool Discord { get; init; }

    /// <summary>Whether turns are charged, and their charges are checked.</summary>
    public bool Charges { get; init; }

    /// <summary>The requests of the tenant's budget. What the replies leave of it is used at the end.</summary>
    public int Budget => Streams * 2;

    public int Cancels { get; init; } = 10;
    public int Seed { get; init; }
    public TimeSpan Limit { get; init; }
    public string? Keep { get; init; }

    /// <summary>The number of silos; 0 for a single node.</summary>
    public int Silos { get; init; }

    public int Gateways { get; init; } = 2;
    public bool IsCluster => Silos > 0;

    /// <summary>How long a node is down before it is started; null for up to half a second.</summary>
    public TimeSpan? Away { get; init; }

    /// <summary>Whether nodes are stopped instead of killed.</summary>
    public bool Rolling { get; init; }

    /// <summary>The folder of the build for the first start of nodes; null for this build.</summary>
    public string? From { get; init; }

    /// <summary>The folder of the build for the second start of nodes; null for this build.</summary>
    public string? To { get; init; }

    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a gateway that is stopped accepts turns before it drains.</summary>
    public TimeSpan Notice { get; init; }

    public bool LoadBalancer { get; init; }

    /// <exception cref="ArgumentException">An option is unknown or has a wrong value.</exception>
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
                case "--charges": options = options with { Charges = true }; continue;
                case "--rolling": options = options with { Rolling = true }; continue;
                case "--load-balancer": options = options with { LoadBalancer = true }; continue;
            }
            var value = i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{name} is unknown or needs a value");
            switch (name)
            {
                case "--streams": options = options with { Streams = CommandLine.Number(name, value, 1, 2_000) }; break;
                case "--seconds": options = options with { Length = TimeSpan.FromSeconds(CommandLine.Number(name, value, 1, 120)) }; break;
                case "--ramp": ramp = CommandLine.Number(name, value, 0, 120); break;
                case "--kills": kills = CommandLine.Number(name, value, 0, 100); break;
                case "--cancel": cancels = CommandLine.Number(name, value, 0, 2_000); break;
                case "--seed": options = options with { Seed = CommandLine.Number(name, value, 0, int.MaxValue) }; break;
                case "--limit": limit = CommandLine.Number(name, value, 1, 3_600); break;
                case "--silos": options = options with { Silos = CommandLine.Number(name, value, 1, 9) }; break;
                case "--gateways": options = options with { Gateways = CommandLine.Number(name, value, 1, 9) }; break;
                case "--away": away = CommandLine.Number(name, value, 0, 120); break;
                case "--from": options = options with { From = Path.GetFullPath(value) }; break;
                case "--to": options = options with { To = Path.GetFullPath(value) }; break;
                case "--drain": options = options with { Drain = TimeSpan.FromSeconds(CommandLine.Number(name, value, 0, 120)) }; break;
                case "--notice": notice = CommandLine.Number(name, value, 0, 120); break;
                case "--keep": options = options with { Keep = Path.GetFullPath(value) }; break;
                default: throw new ArgumentException($"unknown option {name}");
            }
        }
        if (options.Discord && (options.Streams > MaxStreamsOnDiscord || cancels > 0 || options.Charges))
            throw new ArgumentException($"--discord allows at most {MaxStreamsOnDiscord} --streams, and neither --cancel nor --charges");
        if (cancels > options.Streams) throw new ArgumentException("--cancel must not be greater than --streams");
        if (!options.IsCluster && (options.Rolling || options.LoadBalancer)) throw new ArgumentException("--rolling and --load-balancer need --silos");
        foreach (var (name, build) in new[] { ("--from", options.From), ("--to", options.To) })
        {
            if (build is null) continue;
            if (!options.Rolling) throw new ArgumentException($"{name} needs --rolling");
            if (!File.Exists(ServerProcess.PathOf(Node.Project, build))) throw new ArgumentException($"{name}: {build} contains no build");
        }
        if (options.Rolling && kills is not null) throw new ArgumentException("--rolling stops every node once, so it does not allow --kills");
        options = options with
        {
            Kills = options.Rolling ? options.Silos + options.Gateways : kills ?? (options.Cuts ? 0 : options.IsCluster ? 3 : 5),
            Away = away is { } down ? TimeSpan.FromSeconds(down) : options.IsCluster && !options.Rolling ? TimeSpan.FromSeconds(10) : null,
            Notice = TimeSpan.FromSeconds(notice ?? (options.LoadBalancer ? 3 : 0)),
            Cancels = cancels ?? (options.Discord ? 0 : options.Streams / 20),
            Ramp = ramp is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Length / 2,
        };
        return options with { Limit = limit is { } time ? TimeSpan.FromSeconds(time) : options.DefaultLimit };
    }

    /// <summary>A limit that is also sufficient for a busy machine, on which nodes start slowly.</summary>
    private TimeSpan DefaultLimit => Ramp + Length * 2 + Kills * RestartTime + TimeSpan.FromSeconds(120);

    private TimeSpan RestartTime => TimeSpan.FromSeconds(30) + (Away ?? TimeSpan.Zero) + (Rolling ? Notice + Drain : TimeSpan.Zero);
}
