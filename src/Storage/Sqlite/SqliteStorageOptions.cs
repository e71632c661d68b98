namespace CozeCluster.Storage;

/// <summary>Storage of a single node.</summary>
public sealed class SqliteStorageOptions
{
    /// <summary>Where the database, its lock file and blobs are located; created if missing. One process at a time. Default <c>data</c>.</summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>What a finished save survives. Default <see cref="Durability.Machine"/>.</summary>
    public Durability Durability { get; set; } = Durability.Machine;

    /// <summary>How long blobs are kept. At least one hour. Default 2 hours.</summary>
    public TimeSpan BlobLifetime { get; set; } = TimeSpan.FromHours(2);

    internal string BlobDirectory => Path.Combine(DataDirectory, FileBlobStore.FolderName);

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

    /// <summary>A power cut too: each group of saves waits for the disk (<c>synchronous=FULL</c>).</summary>
    Machine,
}
