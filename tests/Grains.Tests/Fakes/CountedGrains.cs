namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>A grain factory that only returns the catalog, counts the polls of a view, and cuts it off.</summary>
internal sealed class CountedGrains(IGrainFactory inner) : IGrainFactory
{
    private int _polls;
    private int _answers;

    /// <summary>Whether the catalog does not answer.</summary>
    public bool IsCut { get; set; }

    /// <summary>The number of calls.</summary>
    public int Polls => Volatile.Read(ref _polls);

    /// <summary>The number of calls that were answered with changes.</summary>
    public int Answers => Volatile.Read(ref _answers);

    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithStringKey =>
        (T)(object)new Catalog(this, inner.GetGrain<ICatalogGrain>(primaryKey));

    public T GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithGuidKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithIntegerKey => throw new NotSupportedException();

    public T GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithGuidCompoundKey =>
        throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithIntegerCompoundKey =>
        throw new NotSupportedException();

    public T GetGrain<T>(GrainId grainId) where T : IAddressable => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId) => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId, GrainInterfaceType interfaceType) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey, string grainClassNamePrefix) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey) => throw new NotSupportedException();

    public T CreateObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => throw new NotSupportedException();

    public void DeleteObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => throw new NotSupportedException();

    private sealed class Catalog(CountedGrains grains, ICatalogGrain inner) : ICatalogGrain
    {
        public Task<FleetImport> Import(Fleet fleet, bool isStart) => throw new NotSupportedException();

        public async Task<FleetChanges?> GetChanges(FleetPoll poll)
        {
            Interlocked.Increment(ref grains._polls);
            if (grains.IsCut) throw new ClusterException(ErrorCode.CallRejected, "The silo of the catalog does not answer.");
            var changes = await inner.GetChanges(poll);
            if (changes is not null) Interlocked.Increment(ref grains._answers);
            return changes;
        }

        public Task<FleetStatus> GetStatus() => throw new NotSupportedException();

        public Task<FleetEdited> Change(FleetEdit edit) => throw new NotSupportedException();

        public Task<FleetDifferences> ImportDocument(FleetDocument document) => throw new NotSupportedException();

        public Task<FleetItem?> ReadItem(FleetItemId id) => throw new NotSupportedException();

        public Task<FleetItemPage> ListItems(FleetItemKind kind, string? tenantId, string? after, int limit) => throw new NotSupportedException();

        public Task<FleetExport> Export(bool withSecrets) => throw new NotSupportedException();
    }
}
