namespace CozeCluster.Silo.Hosting;

/// <summary>
/// A setting of a node. It can be set by an option on the command line, by an environment variable, and in <c>appsettings.json</c>.
/// </summary>
/// <param name="Name">The name in words joined by dashes. The names in all three places follow from it.</param>
/// <param name="Value">What the help calls the value; null for a switch.</param>
/// <param name="Default">The default as it would be written; null: no default.</param>
/// <param name="Description">One or two sentences for the help.</param>
internal sealed record Setting(string Name, string? Value, string? Default, string Description)
{
    /// <summary>What the names of environment variables begin with.</summary>
    public const string VariablePrefix = "COZECLUSTER_";

    /// <summary>The section of <see cref="FileName"/> that has the settings.</summary>
    public const string SectionName = "CozeCluster";

    /// <summary>The settings file, in the folder where the node is started.</summary>
    public const string FileName = "appsettings.json";

    /// <summary>Whether the setting has no command-line option, because every user of the machine can read command lines.</summary>
    public bool Secret { get; init; }

    /// <summary>The option on the command line.</summary>
    public string Option => "--" + Name;

    /// <summary>The environment variable.</summary>
    public string Variable { get; init; } = VariablePrefix + Name.Replace('-', '_').ToUpperInvariant();

    /// <summary>The key below <see cref="SectionName"/> in <see cref="FileName"/>.</summary>
    public string Key { get; } = string.Concat(Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}

/// <summary>All settings of a node. The help, all three sources, and the test of the documentation use this list.</summary>
internal static class Settings
{
    public static readonly Setting Sandbox = new("sandbox", null, "false",
        "Run with fake upstreams, a demo fleet and fixed keys, on loopback only.");

    public static readonly Setting SandboxPort = new("sandbox-port", "port", "0",
        "Port of the fake upstreams; 0: any free port.");

    public static readonly Setting Fleet = new("fleet", "file", null,
        "The fleet file: tenants, accounts, bots and models.");

    public static readonly Setting FromEnv = new("from-env", null, "false",
        "Make the fleet from the environment of coze-discord-proxy or coze-chat-proxy and their files. Without a fleet file, they are found; false: never.");

    public static readonly Setting DiscordUrl = new("discord-url", "url", null,
        "Address of Discord's API for a fleet from the environment; to try it with fake upstreams.");

    public static readonly Setting FleetPoll = new("fleet-poll", "duration", "5s",
        "How often the fleet file is checked for changes, in addition to file system notifications.");

    public static readonly Setting FleetStaleMax = new("fleet-stale-max", "duration", "5m",
        "How long a node uses the fleet that it knows while the cluster does not confirm it; then it refuses requests. 0s: at once.");

    public static readonly Setting Data = new("data", "folder", "data",
        "The folder of the node's database and key. Only one process may use it at a time.");

    // Not COZECLUSTER_PORT: Kubernetes sets that variable to a URL for a service named cozecluster.
    public static readonly Setting Port = new("port", "port", "7077",
        "HTTP port on 127.0.0.1; 0: any free port. Not used together with urls.") { Variable = "PORT" };

    public static readonly Setting Urls = new("urls", "urls", null,
        "HTTP addresses to listen on, separated by ';' (http://0.0.0.0:7077;https://*:7443). {port} is replaced by port.");

    public static readonly Setting Role = new("role", "all|silo|gateway", "all",
        "What a node of a cluster does: run grains (silo), serve clients (gateway), or both (all).");

    public static readonly Setting Postgres = new("postgres", "connection", null,
        "The PostgreSQL database of a cluster, as an Npgsql connection string (Host=db;Database=coze;Username=coze); none: SQLite. "
        + "Set it in the environment if it contains a password.");

    public static readonly Setting ClusterId = new("cluster-id", "name", "cozecluster",
        "The name of the cluster. Nodes with the same name and database form one cluster.");

    public static readonly Setting SiloPort = new("silo-port", "port", "11111",
        "Port for connections from other silos.");

    public static readonly Setting ClientPort = new("client-port", "port", "30000",
        "Port for connections from gateway nodes, which are Orleans clients of this silo.");

    public static readonly Setting AdvertisedAddress = new("advertised-address", "address", null,
        "IP address or host name where other nodes reach this silo; none: loopback if HTTP listens only there, otherwise the address of this machine.");

    public static readonly Setting ClusterCertificate = new("cluster-certificate", "file", null,
        "Certificate for encrypted connections between nodes, PEM or PFX. "
        + "Other nodes need the same certificate, or one issued under a root certificate in this file.");

    public static readonly Setting ClusterCertificateKey = new("cluster-certificate-key", "file", null,
        "Private key of a PEM cluster certificate, if it is in a separate file.");

    public static readonly Setting ClusterCertificatePassword = new("cluster-certificate-password", "text", null,
        "Password of the PFX file or of the encrypted PEM key of the cluster certificate.") { Secret = true };

    public static readonly Setting SecretsKey = new("secrets-key", "Base64", null,
        "The key that encrypts stored secrets: Base64 of 32 bytes, the same on all nodes of a cluster; while it is replaced, the new and the old one, "
        + "separated by ','; none: created and kept in the data folder.")
    { Secret = true };

    public static readonly Setting Certificate = new("certificate", "file", null,
        "Certificate for https addresses: PEM with its chain, or PFX. Read again when it changes.");

    public static readonly Setting CertificateKey = new("certificate-key", "file", null,
        "Private key of a PEM certificate, if it is in a separate file.");

    public static readonly Setting CertificatePassword = new("certificate-password", "text", null,
        "Password of the PFX file or of the encrypted PEM key.") { Secret = true };

    public static readonly Setting MaxBodyBytes = new("max-body-bytes", "bytes", "33554432",
        "Largest request body.");

    public static readonly Setting MaxBodyBytesInFlight = new("max-body-bytes-in-flight", "bytes", "268435456",
        "Request bodies that the node receives at the same time, all together. One tenant can use a quarter.");

    public static readonly Setting StartGrace = new("start-grace", "duration", "2s",
        "How long a stream waits for its first content before it starts. An error within this time gets its own HTTP status.");

    public static readonly Setting KeepAlive = new("keep-alive", "duration", "3s",
        "How long a stream may be silent before a keep-alive comment is written.");

    public static readonly Setting CorsOrigins = new("cors-origins", "origins", null,
        "Origins whose pages may call the API, separated by ','; none: any origin.");

    public static readonly Setting Swagger = new("swagger", "true|false", "true",
        "Whether /swagger and /openapi/v1.json are served.");

    public static readonly Setting Dashboard = new("dashboard", "true|false", "true",
        "Whether /dashboard serves the Orleans dashboard to administrators. Must be the same on all nodes of a cluster.");

    public static readonly Setting Durability = new("durability", "process|machine", "machine",
        "What a finished save survives. process: a crash of the node, but in a cluster not of the database server. "
        + "machine: also a crash of the machine, because each save waits for the disk.");

    public static readonly Setting DurableTurns = new("durable-turns", "true|false", "true",
        "Whether turns continue after a crash of their node, if the upstream supports it. Set false only to measure the cost.");

    public static readonly Setting KeepConversations = new("keep-conversations", "duration", "180d",
        "How long a named conversation is kept after its last use.");

    public static readonly Setting KeepTurns = new("keep-turns", "duration", "1h",
        "How long the reply of a turn without a named conversation can be read again.");

    public static readonly Setting MaxStoredTurns = new("max-stored-turns", "number", "50",
        "Turns kept of a named conversation. Older turns are deleted.");

    public static readonly Setting MaxQueuedTurns = new("max-queued-turns", "number", "8",
        "Turns that may wait behind the running turn of a conversation. More are refused.");

    public static readonly Setting MaxAttempts = new("max-attempts", "number", "3",
        "How many times a turn is attempted, on any bots and accounts, until it has received text.");

    public static readonly Setting SubscriberGrace = new("subscriber-grace", "duration", "15s",
        "How long a turn without a subscriber continues, unless its client asked for more.");

    public static readonly Setting DrainNotice = new("drain-notice", "duration", "0s",
        "How long a stopping node reports that it is not ready but still accepts turns, so that a load balancer can react.");

    public static readonly Setting DrainTime = new("drain-time", "duration", "20s",
        "How long a stopping node waits for running turns to end.");

    public static readonly Setting Log = new("log", "simple|json", "simple",
        "Format of log lines.");

    public static readonly Setting LogLevel = new("log-level", "level", "information",
        "Least severe level that is logged: trace, debug, information, warning, error or none.");

    public static readonly Setting Otlp = new("otlp", "url", null,
        "Where OpenTelemetry metrics and traces are sent with OTLP (http://127.0.0.1:4318); none: nowhere. Other variables of OpenTelemetry apply too.")
    { Variable = "OTEL_EXPORTER_OTLP_ENDPOINT" };

    public static readonly Setting GenaiTelemetry = new("genai-telemetry", null, "false",
        "Also record metrics and attributes with the names of OpenTelemetry's conventions for generative AI.");

    public static readonly Setting ForwardTrace = new("forward-trace", null, "false",
        "Send the trace to upstreams in the header traceparent.");

    public static IReadOnlyList<Setting> All { get; } =
    [
        Sandbox, SandboxPort, Fleet, FromEnv, DiscordUrl, FleetPoll, FleetStaleMax, Data, Port, Urls, Certificate, CertificateKey, CertificatePassword,
        Role, Postgres, ClusterId, SiloPort, ClientPort, AdvertisedAddress, ClusterCertificate, ClusterCertificateKey, ClusterCertificatePassword, SecretsKey,
        MaxBodyBytes, MaxBodyBytesInFlight, StartGrace, KeepAlive, CorsOrigins, Swagger, Dashboard, Durability, DurableTurns,
        KeepConversations, KeepTurns, MaxStoredTurns, MaxQueuedTurns, MaxAttempts, SubscriberGrace, DrainNotice, DrainTime, Log, LogLevel,
        Otlp, GenaiTelemetry, ForwardTrace,
    ];
}
