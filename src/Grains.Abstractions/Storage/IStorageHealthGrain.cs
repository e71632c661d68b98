namespace CozeCluster;

/// <summary>
/// Tests the storage for processes that have none of their own. Every silo has one that tests the silo's own storage. Key: <see
/// cref="GrainKeys.StorageHealth"/>.
/// </summary>
[Alias("storage-health")]
public interface IStorageHealthGrain : IGrainWithStringKey
{
    /// <summary>See <see cref="IStorageProbe.Check"/>. The result may be a second old.</summary>
    [Alias("Check"), Idempotent]
    Task<string?> Check();
}
