using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Hands out the fakes of one test; observers are called directly.</summary>
public sealed class FakeGrains : IGrains
{
    private readonly ConcurrentDictionary<string, FakeConversation> _conversations = new();
    private int _observers;

    public FakeCatalog Catalog { get; } = new();

    public FakeTenant Tenant { get; } = new();

    public FakeIndex Index { get; } = new();

    public FakeHealth Health { get; } = new();

    /// <summary>No grain, but as much a fake of one test.</summary>
    public FakeFetcher Fetcher { get; } = new();

    /// <summary>What every new conversation does when a turn begins; null: nothing, the test goes on by itself.</summary>
    public Func<FakeConversation, Task>? Script { get; set; }

    /// <summary>Keys of the grains that were said to be new.</summary>
    public ConcurrentQueue<string> New { get; } = new();

    /// <summary>Conversations by key, in no order.</summary>
    public ICollection<FakeConversation> Conversations => _conversations.Values;

    /// <summary>Tells everyone that nodes have gone.</summary>
    public Action? NodesGone { get; private set; }

    /// <summary>Observers that are reachable.</summary>
    public int Observers => Volatile.Read(ref _observers);

    /// <summary>The first conversation that takes a turn.</summary>
    public TaskCompletionSource<FakeConversation> Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FakeConversation Conversation(string key) => _conversations.GetOrAdd(key, _ => new FakeConversation(this));

    public T Get<T>(string key) where T : class, IGrain
    {
        object grain = typeof(T).Name switch
        {
            nameof(IApiKeyGrain) => new FakeApiKey(this, key),
            nameof(ICatalogGrain) => Catalog,
            nameof(ITenantGrain) => Tenant,
            nameof(IConversationIndexGrain) => Index,
            nameof(IHealthGrain) => Health,
            nameof(IConversationGrain) => Conversation(key),
            _ => throw new ArgumentException($"No fake of {typeof(T)}."),
        };
        return (T)grain;
    }

    public T GetNew<T>(string key) where T : class, IGrain
    {
        New.Enqueue(key);
        return Get<T>(key);
    }

    public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver
    {
        Interlocked.Increment(ref _observers);
        return new Handle<T>(this, observer);
    }

    public IDisposable OnNodesGone(Action gone)
    {
        NodesGone += gone;
        return new Ending(() => NodesGone -= gone);
    }

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private sealed class Handle<T>(FakeGrains grains, T observer) : IObserverHandle<T> where T : class, IObserver
    {
        private int _disposed;

        public T Reference => observer;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) Interlocked.Decrement(ref grains._observers);
        }
    }
}
