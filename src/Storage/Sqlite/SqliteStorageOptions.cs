namespace CozeCluster.Storage;

/// <summary>Options for the storage of a single node.</summary>
public sealed class SqliteStorageOptions
{
    /// <summary>
    /// The directory of the database, its lock file and the blobs; created if missing. One process at a time can use it. Default <c>data</c>.
    /// </summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>What a finished save survives. Default <see cref="Durability.Machine"/>.</summary>
    public Durability Durability { get; set; } = Durability.Machine;

    /// <summary>How long blobs are stored, at least one hour. Default 2 hours.</summary>
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
    /// <summary>A crash of the process (SQLite <c>synchronous=NORMAL</c> with a write-ahead log).</summary>
    Process,

    /// <summary>A power cut too, because each group of saves waits for the disk (<c>synchronous=FULL</c>).</summary>
    Machine,
}
