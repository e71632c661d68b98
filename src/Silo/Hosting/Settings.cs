namespace CozeCluster.Silo.Hosting;

/// <summary>All settings of a node. Help, the readers of all three sources and the test over the documentation go by this list.</summary>
internal static class Settings
{
    public static readonly Setting Sandbox = new("sandbox", null, "false",
        "Run with fake upstreams, a demo fleet and fixed keys; on loopback only.");

    public static readonly Setting SandboxPort = new("sandbox-port", "port", "0",
        "Port of the fake upstreams; 0: any free one.");

    public static readonly Setting Fleet = new("fleet", "file", null,
        "The fleet file: tenants, accounts, bots and models.");

    public static readonly Setting FleetPoll = new("fleet-poll", "duration", "5s",
        "How often the fleet file is looked at for changes, besides being watched.");

    public static readonly Setting Data = new("data", "folder", "data",
        "Where the node keeps its database and its key. One process at a time.");

    // A cluster's scheduler may set COZECLUSTER_PORT by itself, to something that is no port.
    public static readonly Setting Port = new("port", "port", "7077",
        "Port to listen on, on 127.0.0.1; 0: any free one. Not used with urls.") { Variable = "PORT" };

    public static readonly Setting Urls = new("urls", "urls", null,
        "Addresses to listen on, separated by ';' (http://0.0.0.0:7077;https://*:7443).");

    public static readonly Setting Role = new("role", "all|silo|gateway", "all",
        "What a node of a cluster does: run grains (silo), serve clients (gateway), or both.");

    public static readonly Setting Postgres = new("postgres", "connection", null,
        "The PostgreSQL database of a cluster, as Npgsql writes it (Host=db;Database=coze;Username=coze); none: SQLite. With a password, set it in the environment.");

    public static readonly Setting ClusterId = new("cluster-id", "name", "cozecluster",
        "Nodes with the same name and database are one cluster.");

    public static readonly Setting SiloPort = new("silo-port", "port", "11111",
        "Port that silos reach this one at.");

    public static readonly Setting GatewayPort = new("gateway-port", "port", "30000",
        "Port that gateways reach this silo at.");

    public static readonly Setting AdvertisedAddress = new("advertised-address", "address", null,
        "IP address or host name that other nodes reach this silo at; none: loopback if the node listens only there, else this machine's.");

    public static readonly Setting ClusterCertificate = new("cluster-certificate", "file", null,
        "Certificate that nodes of the cluster show each other, PEM or PFX: their connections are encrypted. Peers need the same one, or one of a root certificate in this file.");

    public static readonly Setting ClusterCertificateKey = new("cluster-certificate-key", "file", null,
        "Private key of a PEM cluster certificate, if it is in a file of its own.");

    public static readonly Setting ClusterCertificatePassword = new("cluster-certificate-password", "text", null,
        "Password of the cluster certificate's PFX file or encrypted PEM key.") { Secret = true };

    public static readonly Setting SecretsKey = new("secrets-key", "Base64", null,
        "The key that seals stored secrets: Base64 of 32 bytes, the same on all nodes of a cluster; none: made and kept in the data folder.") { Secret = true };

    public static readonly Setting Certificate = new("certificate", "file", null,
        "Certificate for https addresses: PEM, with its chain, or PFX. Read again when it changes.");

    public static readonly Setting CertificateKey = new("certificate-key", "file", null,
        "Private key of a PEM certificate, if it is in a file of its own.");

    public static readonly Setting CertificatePassword = new("certificate-password", "text", null,
        "Password of the PFX file or of the encrypted PEM key.") { Secret = true };

    public static readonly Setting MaxBodyBytes = new("max-body-bytes", "bytes", "33554432",
        "Largest request body.");

    public static readonly Setting StartGrace = new("start-grace", "duration", "2s",
        "How long a stream waits for its first content before it starts; an error within it gets its own HTTP status.");

    public static readonly Setting KeepAlive = new("keep-alive", "duration", "3s",
        "How long a stream may be quiet before a keep-alive comment is written.");

    public static readonly Setting CorsOrigins = new("cors-origins", "origins", null,
        "Origins whose pages may call the API, separated by ','; none named: any.");

    public static readonly Setting Swagger = new("swagger", "true|false", "true",
        "Whether /swagger and /openapi/v1.json are served.");

    public static readonly Setting Dashboard = new("dashboard", "true|false", "true",
        "Whether administrators find the Orleans dashboard at /dashboard; the same on all nodes of a cluster.");

    public static readonly Setting Durability = new("durability", "process|machine", "machine",
        "What a finished save survives: the end of the process (of a cluster's database server), or of its machine too: each save waits for the disk.");

    public static readonly Setting DurableTurns = new("durable-turns", "true|false", "true",
        "Whether turns survive the end of their node where the upstream can be asked again; false is for measuring what that costs.");

    public static readonly Setting KeepConversations = new("keep-conversations", "duration", "180d",
        "How long a named conversation is kept after it was used last.");

    public static readonly Setting KeepTurns = new("keep-turns", "duration", "1h",
        "How long the reply of a turn without a conversation of a name can be read again.");

    public static readonly Setting MaxStoredTurns = new("max-stored-turns", "number", "50",
        "Turns kept of a named conversation; older ones are forgotten.");

    public static readonly Setting MaxQueuedTurns = new("max-queued-turns", "number", "8",
        "Turns that may wait behind the running one of a conversation; more are refused.");

    public static readonly Setting MaxAttempts = new("max-attempts", "number", "3",
        "Tries to get a turn answered, on whatever bots and accounts, before any text came.");

    public static readonly Setting ListenerGrace = new("listener-grace", "duration", "15s",
        "How long a turn goes on without anybody listening, unless its client asked for more.");

    public static readonly Setting DrainNotice = new("drain-notice", "duration", "0s",
        "How long a node that stops still accepts turns while it already reports that it is not ready: what a load balancer takes to notice.");

    public static readonly Setting DrainTime = new("drain-time", "duration", "20s",
        "How long running turns may take to end when the node stops.");

    public static readonly Setting Log = new("log", "simple|json", "simple",
        "How log lines are written.");

    public static readonly Setting LogLevel = new("log-level", "level", "information",
        "What is logged: trace, debug, information, warning, error or none.");

    public static IReadOnlyList<Setting> All { get; } =
    [
        Sandbox, SandboxPort, Fleet, FleetPoll, Data, Port, Urls, Certificate, CertificateKey, CertificatePassword,
        Role, Postgres, ClusterId, SiloPort, GatewayPort, AdvertisedAddress, ClusterCertificate, ClusterCertificateKey, ClusterCertificatePassword, SecretsKey,
        MaxBodyBytes, StartGrace, KeepAlive, CorsOrigins, Swagger, Dashboard, Durability, DurableTurns,
        KeepConversations, KeepTurns, MaxStoredTurns, MaxQueuedTurns, MaxAttempts, ListenerGrace, DrainNotice, DrainTime, Log, LogLevel,
    ];
}
