using CozeCluster.Grains;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>How log lines are written.</summary>
internal enum LogForm
{
    /// <summary>For people.</summary>
    Simple,

    /// <summary>For machines: one JSON object to a line.</summary>
    Json,
}

/// <summary>All settings of a node, checked. <see cref="Settings"/> says what each means.</summary>
internal sealed record NodeSettings
{
    public required bool Sandbox { get; init; }
    public required int SandboxPort { get; init; }
    public required string? Fleet { get; init; }
    public required TimeSpan FleetPoll { get; init; }

    /// <summary>The data folder, as a full path; below the one that was named in sandbox mode.</summary>
    public required string Data { get; init; }

    public required IReadOnlyList<ListenAddress> Listen { get; init; }
    public required CertificateFiles? Certificate { get; init; }

    /// <summary>Its place in a cluster; null: the node is alone.</summary>
    public required ClusterSettings? Cluster { get; init; }

    /// <summary>See <see cref="Secrets.SecretsKey"/>; null: the data folder has it.</summary>
    public required string? SecretsKey { get; init; }

    public required long MaxBodyBytes { get; init; }
    public required TimeSpan StartGrace { get; init; }
    public required TimeSpan KeepAlive { get; init; }
    public required IReadOnlyList<string> CorsOrigins { get; init; }
    public required bool Swagger { get; init; }
    public required bool Dashboard { get; init; }
    public required Durability Durability { get; init; }
    public required ConversationOptions Conversations { get; init; }
    public required TimeSpan DrainNotice { get; init; }
    public required TimeSpan DrainTime { get; init; }
    public required LogForm Log { get; init; }
    public required LogLevel LogLevel { get; init; }

    /// <summary>Whether grains run in this process.</summary>
    public bool HoldsGrains => Cluster?.Role != NodeRole.Gateway;

    /// <summary>Whether clients are served.</summary>
    public bool ServesClients => Cluster?.Role != NodeRole.Silo;

    /// <summary>See <see cref="SettingSource.Doubts"/>.</summary>
    public required IReadOnlyList<string> Doubts { get; init; }

    /// <summary>The <c>Logging</c> section of <c>appsettings.json</c>.</summary>
    public required IConfiguration Logging { get; init; }

    /// <summary>Reads all settings.</summary>
    /// <exception cref="StartException">Something is wrong; it tells everything at once.</exception>
    public static NodeSettings Read(SettingSource source, string folder)
    {
        var sandbox = source[Settings.Sandbox].Flag();
        var fleet = source[Settings.Fleet];
        var listen = ReadListen(source, sandbox);
        var cluster = ClusterSettings.Read(source, folder, sandbox, listen);
        if (!sandbox && fleet.Text is null && cluster?.Role != NodeRole.Gateway)
            fleet.Report($"there is nothing to run. Name a fleet file ({Settings.Fleet.Option} fleet.yaml or {Settings.Fleet.Variable}), or try the sandbox ({Settings.Sandbox.Option}).");
        if (sandbox && source.OnCommandLine(Settings.Fleet)) fleet.Report("sandbox mode brings its own fleet; leave one of the two out.");
        var settings = new NodeSettings
        {
            Sandbox = sandbox,
            SandboxPort = (int)source[Settings.SandboxPort].Number(0, 65535),
            Fleet = sandbox || fleet.Text is null ? null : Path.GetFullPath(fleet.Text, folder),
            FleetPoll = source[Settings.FleetPoll].Time(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            Data = Path.Combine(Path.GetFullPath(source[Settings.Data].Text!, folder), sandbox ? "sandbox" : ""),
            Listen = listen,
            Certificate = CertificateFiles.Read(source, folder, Settings.Certificate, Settings.CertificateKey, Settings.CertificatePassword),
            Cluster = cluster,
            SecretsKey = source[Settings.SecretsKey].Text,
            MaxBodyBytes = source[Settings.MaxBodyBytes].Number(1024, 1 << 30),
            StartGrace = source[Settings.StartGrace].Time(TimeSpan.Zero, TimeSpan.FromSeconds(60)),
            KeepAlive = source[Settings.KeepAlive].Time(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
            CorsOrigins = ReadOrigins(source[Settings.CorsOrigins]),
            Swagger = source[Settings.Swagger].Flag(),
            Dashboard = source[Settings.Dashboard].Flag(),
            Durability = source[Settings.Durability].Choice(Storage.Durability.Process, Storage.Durability.Machine),
            Conversations = ReadConversations(source),
            DrainNotice = source[Settings.DrainNotice].Time(TimeSpan.Zero, TimeSpan.FromMinutes(5)),
            DrainTime = source[Settings.DrainTime].Time(TimeSpan.Zero, TimeSpan.FromHours(1)),
            Log = source[Settings.Log].Choice(LogForm.Simple, LogForm.Json),
            LogLevel = source[Settings.LogLevel].Choice(
                LogLevel.Trace, LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error, LogLevel.None),
            Doubts = source.Doubts,
            Logging = source.File.GetSection("Logging"),
        };
        if (settings.Certificate is null && settings.Listen.FirstOrDefault(address => address.Https) is { } https)
            source[Settings.Urls].Report($"{https.Url} needs a certificate; set '{Settings.Certificate.Name}'.");
        return source.Problems.Count == 0 ? settings : throw new StartException([.. source.Problems]);
    }

    /// <summary>Never its secrets.</summary>
    public override string ToString() => nameof(NodeSettings);

    private static ConversationOptions ReadConversations(SettingSource source) => new()
    {
        DurableTurns = source[Settings.DurableTurns].Flag(),
        NamedRetention = source[Settings.KeepConversations].Time(TimeSpan.FromHours(1), TimeSpan.FromDays(3650)),
        UnnamedRetention = source[Settings.KeepTurns].Time(TimeSpan.FromMinutes(1), TimeSpan.FromDays(30)),
        MaxStoredTurns = (int)source[Settings.MaxStoredTurns].Number(1, 1000),
        MaxQueuedTurns = (int)source[Settings.MaxQueuedTurns].Number(0, 1000),
        MaxAttempts = (int)source[Settings.MaxAttempts].Number(1, 10),
        // Gateways show that they listen every few seconds.
        SubscriberGrace = source[Settings.ListenerGrace].Time(TimeSpan.FromSeconds(10), TimeSpan.FromHours(1)),
    };

    private static List<ListenAddress> ReadListen(SettingSource source, bool sandbox)
    {
        var urls = source[Settings.Urls];
        if (source.OnCommandLine(Settings.Urls) && source.OnCommandLine(Settings.Port)) urls.Report($"not together with {Settings.Port.Option}; write the port into the address.");
        if (!urls.Given) return [ListenAddress.Parse($"http://127.0.0.1:{source[Settings.Port].Number(0, 65535)}")!];
        var addresses = new List<ListenAddress>();
        foreach (var item in urls.Items(';'))
        {
            if (ListenAddress.Parse(item) is not { } address) urls.Report($"expected addresses such as http://127.0.0.1:7077 or https://*:7443 (an IP address, localhost or *), found '{item}'.");
            else if (sandbox && !address.IsLoopback) urls.Report($"sandbox mode listens on loopback only, because everybody knows its keys; '{item}' is reachable from elsewhere.");
            else addresses.Add(address);
        }
        if (urls.Items(';').Count == 0) urls.Report("expected at least one address.");
        return addresses;
    }

    private static IReadOnlyList<string> ReadOrigins(SettingValue setting)
    {
        var origins = setting.Items(',');
        foreach (var origin in origins)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.GetLeftPart(UriPartial.Authority) != origin)
                setting.Report($"expected origins such as https://chat.example.com, found '{origin}'.");
        }
        return origins;
    }
}
