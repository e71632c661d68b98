using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Engine.Orleans;

/// <summary>How a node takes part in a cluster.</summary>
public sealed class OrleansEngineOptions
{
    /// <summary>The PostgreSQL database that all nodes share; <see cref="ClusterSchema"/> must have been applied to it. Required.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Nodes of the same cluster find each other. At most 150 characters. Default <c>coze</c>.</summary>
    public string ClusterId { get; set; } = "coze";

    /// <summary>Whose state and reminders these are: clusters that follow one another keep it. At most 150 characters. Default <c>coze</c>.</summary>
    public string ServiceId { get; set; } = "coze";

    /// <summary>The name of this silo, for logs and the dashboard. Default: made up from the machine's name and port.</summary>
    public string? SiloName { get; set; }

    /// <summary>The address that other nodes reach this silo at. Default: loopback, which serves nodes of one machine only.</summary>
    public IPAddress AdvertisedAddress { get; set; } = IPAddress.Loopback;

    /// <summary>Whether to listen on every address of the machine, not only on <see cref="AdvertisedAddress"/>: as in a container. Default false.</summary>
    public bool ListenOnAnyAddress { get; set; }

    /// <summary>The port other silos reach this one at. Default 11111.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>The port gateways without a silo reach this one at. Default 30000.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>
    /// Encrypts what silos and clients say to each other, and has both sides show this certificate, with its private key: whoever has none of the same issuer, or this very
    /// one, is turned away. Default null: in the clear.
    /// </summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>How long a call may take until its caller gives up. Default 30 s.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an observer may take to answer. Default 10 s.</summary>
    public TimeSpan ObserverTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long an idempotent call that found nobody to hear it is sent again. Default 15 s: more than it takes to notice that a silo is gone.</summary>
    public TimeSpan RetryFor { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often silos ask each other for a sign of life; after three without one, a silo is evicted. Default 1 s.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether a save of a grain's state waits for the database's disk. Without, it still outlives every node; but a database server that crashes loses what was saved within
    /// its last 0.6 s or so. Default true.
    /// </summary>
    public bool SavesWaitForDisk { get; set; } = true;

    /// <summary>How long blobs are kept. At least one hour. Default 2 hours.</summary>
    public TimeSpan BlobLifetime { get; set; } = TimeSpan.FromHours(2);

    /// <summary>Whether the Orleans dashboard is there, and calls are counted for it; the same on every node. Default false.</summary>
    public bool Dashboard { get; set; }

    /// <summary>More adapters than those of the house, as tests have.</summary>
    public IList<GrainAdapter> Adapters { get; } = [.. AllAdapters.Grains];

    /// <summary>More observer adapters than those of the house.</summary>
    public IList<ObserverAdapter> ObserverAdapters { get; } = [.. AllAdapters.Observers];

    /// <summary>After what time without an answer an idempotent call is sent again, and again after twice that; null: never.</summary>
    internal TimeSpan? ResendAfter { get; set; }

    internal IReadOnlyList<GrainDefinition> Definitions { get; set; } = [];

    internal void Verify()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(ConnectionString);
        ArgumentException.ThrowIfNullOrWhiteSpace(ClusterId);
        ArgumentException.ThrowIfNullOrWhiteSpace(ServiceId);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ClusterId.Length, 150);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ServiceId.Length, 150);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlobLifetime, TimeSpan.FromHours(1));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(CallTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ObserverTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(RetryFor, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ProbeTimeout, TimeSpan.Zero);
        if (Certificate is { HasPrivateKey: false }) throw new ArgumentException("The certificate has no private key.", nameof(Certificate));
    }
}
