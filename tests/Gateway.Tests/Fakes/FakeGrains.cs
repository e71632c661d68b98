using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Hands out the fakes of one test.</summary>
public sealed class FakeGrains : IGrainFactory
{
    private readonly ConcurrentDictionary<string, FakeConversation> _conversations = new();

    public FakeCatalog Catalog { get; } = new();

    public FakeTenant Tenant { get; } = new();

    public FakeIndex Index { get; } = new();

    public FakeHealth Health { get; } = new();

    /// <summary>No grain, but as much a fake of one test.</summary>
    public FakeFetcher Fetcher { get; } = new();

    /// <summary>Where the gateway opens its feeds.</summary>
    public FakeReplyFeeds Feeds { get; } = new();

    /// <summary>Reports to the gateway that silos have gone.</summary>
    public SiloDepartures Departures { get; } = new();

    /// <summary>Whether the client has connected: before, Orleans does not know the types of grains.</summary>
    public bool Connected { get; set; } = true;

    /// <summary>What every new conversation does when a turn begins; null: nothing, the test goes on by itself.</summary>
    public Func<FakeConversation, Task>? Script { get; set; }

    /// <summary>The key of the conversation for each call that was marked as a grain's first.</summary>
    public ConcurrentQueue<string> New { get; } = new();

    /// <summary>Conversations by key, in no order.</summary>
    public ICollection<FakeConversation> Conversations => _conversations.Values;

    /// <summary>The first conversation that takes a turn.</summary>
    public TaskCompletionSource<FakeConversation> Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FakeConversation Conversation(string key) => _conversations.GetOrAdd(key, _ => new FakeConversation(this, key));

    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithStringKey
    {
        if (!Connected) throw new ArgumentException($"Could not find an implementation for interface {typeof(T)}");
        object grain = typeof(T).Name switch
        {
            nameof(IApiKeyGrain) => new FakeApiKey(this, primaryKey),
            nameof(ICatalogGrain) => Catalog,
            nameof(ITenantGrain) => Tenant,
            nameof(IConversationIndexGrain) => Index,
            nameof(IHealthGrain) => Health,
            nameof(IConversationGrain) => Conversation(primaryKey),
            _ => throw new ArgumentException($"No fake of {typeof(T)}."),
        };
        return (T)grain;
    }

    public T GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithGuidKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithIntegerKey => throw new NotSupportedException();

    public T GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithGuidCompoundKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithIntegerCompoundKey => throw new NotSupportedException();

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
}
