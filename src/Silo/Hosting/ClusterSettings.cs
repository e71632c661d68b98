using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace CozeCluster.Silo.Hosting;

/// <summary>What runs the grains.</summary>
internal enum EngineKind
{
    /// <summary>This process alone.</summary>
    Embedded,

    /// <summary>A cluster of nodes.</summary>
    Orleans,
}

/// <summary>What a node of a cluster does.</summary>
internal enum NodeRole
{
    /// <summary>Holds grains and serves clients.</summary>
    All,

    /// <summary>Holds grains; its HTTP port tells only how it is.</summary>
    Silo,

    /// <summary>Serves clients, and holds nothing.</summary>
    Gateway,
}

/// <summary>A node's place in a cluster. <see cref="Settings"/> says what each means.</summary>
internal sealed record ClusterSettings
{
    public required NodeRole Role { get; init; }
    public required string Postgres { get; init; }
    public required string ClusterId { get; init; }
    public required int SiloPort { get; init; }
    public required int GatewayPort { get; init; }
    public required IPAddress AdvertisedAddress { get; init; }
    public required CertificateFiles? Certificate { get; init; }
    public required bool SavesWaitForDisk { get; init; }

    /// <summary>Reads them; null if the node is alone.</summary>
    public static ClusterSettings? Read(SettingSource source, string folder, bool sandbox, IReadOnlyList<ListenAddress> listen)
    {
        var engine = source[Settings.Engine];
        var role = source[Settings.Role];
        var kind = engine.Choice(EngineKind.Embedded, EngineKind.Orleans);
        var part = role.Choice(NodeRole.All, NodeRole.Silo, NodeRole.Gateway);
        if (kind == EngineKind.Embedded)
        {
            if (part != NodeRole.All) role.Report($"only a node of a cluster has a role; set '{Settings.Engine.Name}' to orleans.");
            return null;
        }
        var key = source[Settings.SecretsKey];
        if (key.Text is null && part != NodeRole.Gateway)
            key.Report($"all nodes of a cluster share the key that seals stored secrets. Set it to Base64 of 32 random bytes (openssl rand -base64 32).");
        var advertised = ReadAddress(source[Settings.AdvertisedAddress], listen);
        if (sandbox && !IPAddress.IsLoopback(advertised)) source[Settings.AdvertisedAddress].Report("sandbox mode stays on loopback, because everybody knows its keys.");
        return new ClusterSettings
        {
            Role = part,
            Postgres = ReadPostgres(source),
            ClusterId = ReadClusterId(source),
            SiloPort = (int)source[Settings.SiloPort].Number(1, 65535),
            GatewayPort = (int)source[Settings.GatewayPort].Number(1, 65535),
            AdvertisedAddress = advertised,
            Certificate = CertificateFiles.Read(source, folder, Settings.ClusterCertificate, Settings.ClusterCertificateKey, Settings.ClusterCertificatePassword),
            // Unlike a single node, a cluster goes on when the machine with its store ends: what was saved should be there then, unless somebody said otherwise.
            SavesWaitForDisk = source[Settings.Durability] is not { Given: true, Text: { } text } || !text.Equals(nameof(SaveSurvives.Process), StringComparison.OrdinalIgnoreCase),
        };
    }

    /// <summary>The database; reported if there is none (it is empty then), or if it is no connection string.</summary>
    public static string ReadPostgres(SettingSource source)
    {
        var postgres = source[Settings.Postgres];
        if (postgres.Text is null) postgres.Report($"a cluster needs a database. Set it, or {Settings.Postgres.Variable}, to a connection string such as Host=localhost;Database=coze;Username=coze.");
        else if (ClusterEngine.WrongWith(postgres.Text) is { } wrong) postgres.Report(wrong);
        return postgres.Text ?? "";
    }

    /// <summary>The name of the cluster.</summary>
    public static string ReadClusterId(SettingSource source)
    {
        var id = source[Settings.ClusterId];
        if (id.Text!.Length > 100 || id.Text.AsSpan().ContainsAnyExceptInRange('!', '~')) id.Report("expected 1 to 100 printable ASCII characters without spaces.");
        return id.Text;
    }

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
