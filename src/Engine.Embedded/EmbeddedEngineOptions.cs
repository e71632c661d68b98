namespace CozeCluster.Engine.Embedded;

/// <summary>How the embedded engine runs.</summary>
public sealed class EmbeddedEngineOptions
{
    /// <summary>Where the database, its lock file and blobs live; created if missing. One process at a time. Default <c>data</c>.</summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>What a save survives. Default <see cref="Durability.Process"/>.</summary>
    public Durability Durability { get; set; } = Durability.Process;

    /// <summary>How long blobs are kept. At least one hour. Default 2 hours.</summary>
    public TimeSpan BlobLifetime { get; set; } = TimeSpan.FromHours(2);

    /// <summary>For tests: behave like a cluster on a bad day. Default null: off.</summary>
    public ClusterLikeOptions? ClusterLike { get; set; }

    internal void Verify()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(DataDirectory);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlobLifetime, TimeSpan.FromHours(1));
    }
}

/// <summary>What a finished save survives.</summary>
public enum Durability
{
    /// <summary>The end of the process, however sudden (SQLite <c>synchronous=NORMAL</c> on a write-ahead log).</summary>
    Process,

    /// <summary>The end of the machine too: each group of saves waits for the disk (<c>synchronous=FULL</c>).</summary>
    Machine,
}
