namespace CozeCluster.Storage;

/// <summary>Storage of a cluster. States and reminders belong to the service id of Orleans' <c>ClusterOptions</c>; blobs to tenants.</summary>
public sealed class PostgresStorageOptions
{
    /// <summary>The database that all nodes share; <see cref="PostgresSchema"/> has been applied to it. Required.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>
    /// Whether a save of a state waits for the disk of the database server. Without, it still survives the end of every node; but a database server that
    /// crashes loses the saves of its last 0.6 s or so. Default true.
    /// </summary>
    public bool SavesWaitForDisk { get; set; } = true;

    /// <summary>How long blobs are kept. At least one hour. Default 2 hours.</summary>
    public TimeSpan BlobLifetime { get; set; } = TimeSpan.FromHours(2);

    internal void Verify()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(ConnectionString);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlobLifetime, TimeSpan.FromHours(1));
    }
}
