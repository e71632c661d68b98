using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Answers from the test of this silo's storage. Every silo activates its own.</summary>
[GrainType("storage-health"), StatelessWorker(1), Reentrant]
public sealed class StorageHealthGrain(IStorageProbe probe) : Grain, IStorageHealthGrain
{
    /// <inheritdoc />
    public Task<string?> Check() => probe.Check(CancellationToken.None);
}

/// <summary>Tests the storage of a cluster from a process without a silo: it asks the silo that it is connected to.</summary>
internal sealed class SiloStorageProbe(IGrainFactory grains) : IStorageProbe
{
    /// <inheritdoc />
    public Task<string?> Check(CancellationToken cancellationToken) =>
        grains.Grain<IStorageHealthGrain>(GrainKeys.StorageHealth).Check().WaitAsync(cancellationToken);
}
