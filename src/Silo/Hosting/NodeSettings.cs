using System.Net;
using CozeCluster.Grains;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>The format of log lines.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Simple,

    /// <summary>For programs: one JSON object on each line.</summary>
    Json,
}

/// <summary>All settings of a node, with valid values. <see cref="Settings"/> describes them.</summary>
internal sealed record NodeSettings
{
    public required bool Sandbox { get; init; }
    public required int SandboxPort { get; init; }

    /// <summary>The full path of the fleet file; null in sandbox mode, with <see cref="FromEnv"/>, and where none is named.</summary>
    public required string? Fleet { get; init; }

    /// <summary>The environment that the fleet is made from; null: it is not made from one.</summary>
    public required OldEnvironment? FromEnv { get; init; }

    public required TimeSpan FleetPoll { get; init; }

    /// <summary>See <see cref="FleetViewOptions.StaleMax"/>.</summary>
    public required TimeSpan FleetStaleMax { get; init; }

    /// <summary>The full path of the data folder. Sandbox mode has a folder of its own inside the configured one.</summary>
    public required string Data { get; init; }

    public required IReadOnlyList<HttpEndpoint> Endpoints { get; init; }
    public required CertificateFiles? Certificate { get; init; }

    /// <summary>Null if the node is not in a cluster.</summary>
    public required ClusterSettings? Cluster { get; init; }

    /// <summary>See <see cref="Secrets.SecretsKey"/>; null if the key is in the data folder.</summary>
    public required string? SecretsKey { get; init; }

    public required long MaxBodyBytes { get; init; }
    public required long MaxBodyBytesInFlight { get; init; }
    public required TimeSpan StartGrace { get; init; }
    public required TimeSpan KeepAlive { get; init; }
    public required IReadOnlyList<string> CorsOrigins { get; init; }
    public required bool Swagger { get; init; }
    public required bool Dashboard { get; init; }
    public required Durability Durability { get; init; }
    public required ConversationOptions Conversations { get; init; }
    public required TimeSpan DrainNotice { get; init; }
    public required TimeSpan DrainTime { get; init; }
    public required LogFormat Log { get; init; }
    public required LogLevel LogLevel { get; init; }

    public required TelemetrySettings Telemetry { get; init; }

    /// <summary>Whether grains run in this process.</summary>
    public bool HostsGrains => Cluster?.Role != NodeRole.Gateway;

    /// <summary>Whether the node serves clients.</summary>
    public bool ServesClients => Cluster?.Role != NodeRole.Silo;

    /// <summary>Whether clients on other machines can reach this node, or another node of its cluster that uses the same fleet.</summary>
    public bool IsReachable => Endpoints.Any(endpoint => !endpoint.IsLoopback) || Cluster is { } cluster && !IPAddress.IsLoopback(cluster.AdvertisedAddress);

    /// <summary>See <see cref="SettingSource.Warnings"/>.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The section <c>Logging</c> of <c>appsettings.json</c>.</summary>
    public required IConfiguration Logging { get; init; }

    /// <summary>Reads all settings.</summary>
    /// <exception cref="StartException">Some settings are not valid; contains all problems.</exception>
    public static NodeSettings Read(SettingSource source, string folder)
    {
        var sandbox = source[Settings.Sandbox].Flag();
        var fleet = source[Settings.Fleet];
        var environment = OldEnvironment.Find(source, folder, sandbox);
        var endpoints = ReadEndpoints(source, sandbox, environment);
        var cluster = ClusterSettings.Read(source, folder, sandbox, endpoints);
        if (sandbox && source.IsOnCommandLine(Settings.Fleet))
            fleet.Report($"sandbox mode has a fleet of its own; remove this option or {Settings.Sandbox.Option}.");
        var settings = new NodeSettings
        {
            Sandbox = sandbox,
            SandboxPort = (int)source[Settings.SandboxPort].Number(0, 65535),
            FromEnv = environment,
            Fleet = sandbox || environment is not null || fleet.Text is null ? null : Path.GetFullPath(fleet.Text, folder),
            FleetPoll = source[Settings.FleetPoll].Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            FleetStaleMax = source[Settings.FleetStaleMax].Duration(TimeSpan.Zero, TimeSpan.FromDays(1)),
            Data = Path.Combine(Path.GetFullPath(source[Settings.Data].Text!, folder), sandbox ? "sandbox" : ""),
            Endpoints = endpoints,
            Certificate = CertificateFiles.Read(source, folder, Settings.Certificate, Settings.CertificateKey, Settings.CertificatePassword),
            Cluster = cluster,
            SecretsKey = source[Settings.SecretsKey].Text,
            MaxBodyBytes = source[Settings.MaxBodyBytes].Number(1024, 1 << 30),
            MaxBodyBytesInFlight = source[Settings.MaxBodyBytesInFlight].Number(1024, 64L << 30),
            StartGrace = source[Settings.StartGrace].Duration(TimeSpan.Zero, TimeSpan.FromSeconds(60)),
            KeepAlive = source[Settings.KeepAlive].Duration(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
            CorsOrigins = ReadOrigins(source[Settings.CorsOrigins]),
            Swagger = source[Settings.Swagger].Flag(),
            Dashboard = source[Settings.Dashboard].Flag(),
            Durability = source[Settings.Durability].Choice(Storage.Durability.Process, Storage.Durability.Machine),
            Conversations = ReadConversations(source),
            DrainNotice = source[Settings.DrainNotice].Duration(TimeSpan.Zero, TimeSpan.FromMinutes(5)),
            DrainTime = source[Settings.DrainTime].Duration(TimeSpan.Zero, TimeSpan.FromHours(1)),
            Log = source[Settings.Log].Choice(LogFormat.Simple, LogFormat.Json),
            LogLevel = source[Settings.LogLevel].Choice(
                LogLevel.Trace, LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error, LogLevel.None),
            Telemetry = TelemetrySettings.Read(source),
            Warnings = source.Warnings,
            Logging = source.File.GetSection("Logging"),
        };
        if (settings.Certificate is null && settings.Endpoints.FirstOrDefault(endpoint => endpoint.IsHttps) is { } https)
            source[Settings.Urls].Report($"{https.Url} needs a certificate; set '{Settings.Certificate.Name}'.");
        return source.Problems.Count == 0 ? settings : throw new StartException([.. source.Problems]);
    }

    /// <summary>The name of the type, without secrets.</summary>
    public override string ToString() => nameof(NodeSettings);

    private static ConversationOptions ReadConversations(SettingSource source) => new()
    {
        DurableTurns = source[Settings.DurableTurns].Flag(),
        NamedRetention = source[Settings.KeepConversations].Duration(TimeSpan.FromHours(1), TimeSpan.FromDays(3650)),
        UnnamedRetention = source[Settings.KeepTurns].Duration(TimeSpan.FromMinutes(1), TimeSpan.FromDays(30)),
        MaxStoredTurns = (int)source[Settings.MaxStoredTurns].Number(1, 1000),
        MaxQueuedTurns = (int)source[Settings.MaxQueuedTurns].Number(0, 1000),
        MaxAttempts = (int)source[Settings.MaxAttempts].Number(1, 10),
        // The minimum is longer than the 5 s after which a gateway that receives nothing subscribes again.
        SubscriberGrace = source[Settings.SubscriberGrace].Duration(TimeSpan.FromSeconds(10), TimeSpan.FromHours(1)),
    };

    private const string PortPlaceholder = "{port}";

    private static List<HttpEndpoint> ReadEndpoints(SettingSource source, bool sandbox, OldEnvironment? environment)
    {
        var urls = source[Settings.Urls];
        if (source.IsOnCommandLine(Settings.Urls) && source.IsOnCommandLine(Settings.Port))
            urls.Report($"cannot be combined with {Settings.Port.Option}; write the port into the URL.");
        if (!urls.IsSet)
        {
            var port = source[Settings.Port].IsSet ? null : environment?.Port;
            return [HttpEndpoint.Parse($"http://127.0.0.1:{port ?? source[Settings.Port].Number(0, 65535)}")!];
        }
        var endpoints = new List<HttpEndpoint>();
        foreach (var item in urls.Items(';'))
        {
            // Hosts such as Render and Zeabur set only the variable PORT, and an image has to listen on all addresses.
            var url = item.Contains(PortPlaceholder, StringComparison.Ordinal)
                ? item.Replace(PortPlaceholder, $"{source[Settings.Port].Number(0, 65535)}", StringComparison.Ordinal)
                : item;
            if (HttpEndpoint.Parse(url) is not { } endpoint)
                urls.Report($"expected URLs such as http://127.0.0.1:7077 or https://*:7443 (an IP address, localhost or *), found '{url}'.");
            else if (sandbox && !endpoint.IsLoopback)
                urls.Report($"sandbox mode listens on loopback only, because its API keys are public; other machines can reach '{url}'.");
            else
                endpoints.Add(endpoint);
        }
        if (urls.Items(';').Count == 0) urls.Report("expected at least one URL.");
        return endpoints;
    }

    private static IReadOnlyList<string> ReadOrigins(SettingValue setting)
    {
        var origins = setting.Items(',');
        foreach (var origin in origins)
        {
            var isOrigin = Uri.TryCreate(origin, UriKind.Absolute, out var url)
                && url.Scheme is "http" or "https"
                && url.GetLeftPart(UriPartial.Authority) == origin;
            if (!isOrigin) setting.Report($"expected origins such as https://chat.example.com, found '{origin}'.");
        }
        return origins;
    }
}
