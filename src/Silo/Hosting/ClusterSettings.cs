using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CozeCluster.Storage;
using Orleans.Configuration;

namespace CozeCluster.Silo.Hosting;

/// <summary>What a node of a cluster does.</summary>
internal enum NodeRole
{
    /// <summary>Runs grains and serves clients.</summary>
    All,

    /// <summary>Runs grains. Its HTTP port serves only health, metrics and the dashboard.</summary>
    Silo,

    /// <summary>Serves clients, and runs no grains.</summary>
    Gateway,
}

/// <summary>The settings of a node of a cluster. <see cref="Settings"/> describes them.</summary>
internal sealed record ClusterSettings
{
    /// <summary>Orleans' name of the ADO.NET provider for PostgreSQL.</summary>
    public const string Invariant = "Npgsql";

    private static readonly Setting[] ClusterOnly =
    [
        Settings.Role, Settings.ClusterId, Settings.SiloPort, Settings.ClientPort, Settings.AdvertisedAddress,
        Settings.ClusterCertificate, Settings.ClusterCertificateKey,
    ];

    public required NodeRole Role { get; init; }
    public required string Postgres { get; init; }
    public required string ClusterId { get; init; }
    public required int SiloPort { get; init; }
    public required int ClientPort { get; init; }
    public required IPAddress AdvertisedAddress { get; init; }
    public required CertificateFiles? Certificate { get; init; }

    /// <summary>Reads the settings; null if the node is not in a cluster.</summary>
    public static ClusterSettings? Read(SettingSource source, string folder, bool sandbox, IReadOnlyList<HttpEndpoint> endpoints)
    {
        if (source[Settings.Postgres].Text is null)
        {
            // Otherwise a node of a cluster whose database is not set would start as a single node, and look healthy.
            foreach (var value in ClusterOnly.Select(setting => source[setting]).Where(value => value.IsSet))
                value.Report($"this setting is for nodes of a cluster; set '{Settings.Postgres.Name}' ({Settings.Postgres.Variable}) to its database too.");
            return null;
        }
        var role = source[Settings.Role].Choice(NodeRole.All, NodeRole.Silo, NodeRole.Gateway);
        var key = source[Settings.SecretsKey];
        if (key.Text is null && role != NodeRole.Gateway)
            key.Report("all nodes of a cluster need the same key to encrypt stored secrets. Set it to Base64 of 32 random bytes (openssl rand -base64 32).");
        var advertised = ReadAdvertisedAddress(source[Settings.AdvertisedAddress], endpoints);
        if (sandbox && !IPAddress.IsLoopback(advertised))
            source[Settings.AdvertisedAddress].Report("sandbox mode only works on loopback, because its API keys are public.");
        return new ClusterSettings
        {
            Role = role,
            Postgres = ReadPostgres(source),
            ClusterId = ReadClusterId(source),
            SiloPort = (int)source[Settings.SiloPort].Number(1, 65535),
            ClientPort = (int)source[Settings.ClientPort].Number(1, 65535),
            AdvertisedAddress = advertised,
            Certificate = CertificateFiles.Read(
                source, folder, Settings.ClusterCertificate, Settings.ClusterCertificateKey, Settings.ClusterCertificatePassword),
        };
    }

    /// <summary>Reads the connection string of the database. A missing or malformed one is reported.</summary>
    /// <returns>Empty if it is missing.</returns>
    public static string ReadPostgres(SettingSource source)
    {
        const string Example = "Host=localhost;Database=coze;Username=coze";
        var postgres = source[Settings.Postgres];
        if (postgres.Text is null)
            postgres.Report($"a cluster needs a database. Set this option or {Settings.Postgres.Variable} to a connection string such as {Example}.");
        else if (ConnectionStrings.FindProblem(postgres.Text) is { } problem)
            postgres.Report(problem);
        return postgres.Text ?? "";
    }

    /// <summary>Reads the name of the cluster.</summary>
    public static string ReadClusterId(SettingSource source)
    {
        var id = source[Settings.ClusterId];
        var isValid = id.Text!.Length <= 100 && !id.Text.AsSpan().ContainsAnyExceptInRange('!', '~');
        if (!isValid) id.Report("expected 1 to 100 printable ASCII characters without spaces.");
        return id.Text;
    }

    /// <summary>Sets Orleans' name of the cluster. The service id keeps states and reminders for all later clusters with the name.</summary>
    public void Configure(ClusterOptions options) => options.ClusterId = options.ServiceId = ClusterId;

    /// <summary>The role and the cluster, without the password of the database.</summary>
    public override string ToString() => $"{Role} of {ClusterId}";

    private static IPAddress ReadAdvertisedAddress(SettingValue setting, IReadOnlyList<HttpEndpoint> endpoints)
    {
        if (setting.Text is null) return endpoints.All(endpoint => endpoint.IsLoopback) ? IPAddress.Loopback : AddressOfThisMachine();
        try
        {
            var found = Dns.GetHostAddresses(setting.Text);
            return found.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            setting.Report($"expected an IP address or a host name that can be resolved, found '{setting.Text}'.");
            return IPAddress.Loopback;
        }
    }

    private static IPAddress AddressOfThisMachine()
    {
        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => !address.IsIPv6LinkLocal)
            .ToList();
        return addresses.Find(address => address.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault() ?? IPAddress.Loopback;
    }
}
