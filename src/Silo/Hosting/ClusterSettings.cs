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

    /// <summary>Runs grains. Its HTTP port serves health, metrics and the dashboard only.</summary>
    Silo,

    /// <summary>Serves clients, and runs no grains.</summary>
    Gateway,
}

/// <summary>A node's place in a cluster. <see cref="Settings"/> says what each means.</summary>
internal sealed record ClusterSettings
{
    /// <summary>The ADO.NET provider, as Orleans calls it.</summary>
    public const string Invariant = "Npgsql";

    private static readonly Setting[] ForMembers =
        [Settings.Role, Settings.ClusterId, Settings.SiloPort, Settings.GatewayPort, Settings.AdvertisedAddress, Settings.ClusterCertificate, Settings.ClusterCertificateKey];

    public required NodeRole Role { get; init; }
    public required string Postgres { get; init; }
    public required string ClusterId { get; init; }
    public required int SiloPort { get; init; }
    public required int GatewayPort { get; init; }
    public required IPAddress AdvertisedAddress { get; init; }
    public required CertificateFiles? Certificate { get; init; }

    /// <summary>Reads them; null if the node is alone.</summary>
    public static ClusterSettings? Read(SettingSource source, string folder, bool sandbox, IReadOnlyList<ListenAddress> listen)
    {
        if (source[Settings.Postgres].Text is null)
        {
            // Without its database a member of a cluster would start alone, and look healthy.
            foreach (var given in ForMembers.Select(setting => source[setting]).Where(value => value.Given))
                given.Report($"this is for nodes of a cluster; set '{Settings.Postgres.Name}' ({Settings.Postgres.Variable}) to its database too.");
            return null;
        }
        var role = source[Settings.Role].Choice(NodeRole.All, NodeRole.Silo, NodeRole.Gateway);
        var key = source[Settings.SecretsKey];
        if (key.Text is null && role != NodeRole.Gateway)
            key.Report("all nodes of a cluster share the key that encrypts stored secrets. Set it to Base64 of 32 random bytes (openssl rand -base64 32).");
        var advertised = ReadAddress(source[Settings.AdvertisedAddress], listen);
        if (sandbox && !IPAddress.IsLoopback(advertised)) source[Settings.AdvertisedAddress].Report("sandbox mode stays on loopback, because everybody knows its keys.");
        return new ClusterSettings
        {
            Role = role,
            Postgres = ReadPostgres(source),
            ClusterId = ReadClusterId(source),
            SiloPort = (int)source[Settings.SiloPort].Number(1, 65535),
            GatewayPort = (int)source[Settings.GatewayPort].Number(1, 65535),
            AdvertisedAddress = advertised,
            Certificate = CertificateFiles.Read(source, folder, Settings.ClusterCertificate, Settings.ClusterCertificateKey, Settings.ClusterCertificatePassword),
        };
    }

    /// <summary>The database. A missing or malformed connection string is reported; empty if it is missing.</summary>
    public static string ReadPostgres(SettingSource source)
    {
        var postgres = source[Settings.Postgres];
        if (postgres.Text is null)
            postgres.Report($"a cluster needs a database. Set it, or {Settings.Postgres.Variable}, to a connection string such as Host=localhost;Database=coze;Username=coze.");
        else if (ConnectionStrings.FindProblem(postgres.Text) is { } wrong) postgres.Report(wrong);
        return postgres.Text ?? "";
    }

    /// <summary>The name of the cluster.</summary>
    public static string ReadClusterId(SettingSource source)
    {
        var id = source[Settings.ClusterId];
        if (id.Text!.Length > 100 || id.Text.AsSpan().ContainsAnyExceptInRange('!', '~')) id.Report("expected 1 to 100 printable ASCII characters without spaces.");
        return id.Text;
    }

    /// <summary>Names the cluster for Orleans. Clusters that follow one another on a database keep their states and reminders.</summary>
    public void Name(ClusterOptions options) => options.ClusterId = options.ServiceId = ClusterId;

    /// <summary>Never the database's password.</summary>
    public override string ToString() => $"{Role} of {ClusterId}";

    private static IPAddress ReadAddress(SettingValue setting, IReadOnlyList<ListenAddress> listen)
    {
        if (setting.Text is null) return listen.All(address => address.IsLoopback) ? IPAddress.Loopback : OfThisMachine();
        try
        {
            var found = Dns.GetHostAddresses(setting.Text);
            return found.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            setting.Report($"expected an IP address or the name of a host, found '{setting.Text}'.");
            return IPAddress.Loopback;
        }
    }

    private static IPAddress OfThisMachine()
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
