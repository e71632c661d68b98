using Microsoft.Extensions.Logging;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>Records what the catalog, and the grains of listeners, are called with.</summary>
internal sealed class RecordingCatalog : FakeGrains, ICatalogGrain
{
    private readonly RecordingListeners _listeners = new();
    private readonly Lock _gate = new();
    private readonly List<(Func<Fleet, bool> Wanted, TaskCompletionSource Found)> _waiting = [];

    public Fleet? Last { get; private set; }

    public int Imports { get; private set; }

    public bool Fails { get; set; }

    /// <summary>Told of what listeners were asked to do.</summary>
    public RecordingListeners Listeners => _listeners;

    public Task Import(Fleet fleet)
    {
        if (Fails) throw new ClusterException(ErrorCode.CallRejected, "not now");
        lock (_gate)
        {
            Last = fleet;
            Imports++;
            foreach (var (wanted, found) in _waiting)
            {
                if (wanted(fleet)) found.TrySetResult();
            }
        }
        return Task.CompletedTask;
    }

    /// <summary>Completes once a wanted fleet was, or is, imported.</summary>
    public Task ImportOf(Func<Fleet, bool> wanted)
    {
        lock (_gate)
        {
            var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Last is not null && wanted(Last)) found.SetResult();
            _waiting.Add((wanted, found));
            return found.Task;
        }
    }

    protected override IGrainWithStringKey Find(Type grain, string key) => grain == typeof(ICatalogGrain) ? this : _listeners.Of(key);

    public Task<ApiKeyInfo?> FindKey(string hash) => throw new NotSupportedException();

    public Task<TenantDefinition?> FindTenant(string tenantId) => throw new NotSupportedException();

    public Task<FleetOutline> Outline() => throw new NotSupportedException();

    public Task<BotDefinition?> FindBot(string botId) => throw new NotSupportedException();

    public Task<AccountDefinition?> FindAccount(string accountId) => throw new NotSupportedException();

    public Task<ListenerDefinition?> FindListener(string listenerId) => throw new NotSupportedException();

    public Task<ModelDefinition?> FindModel(string tenantId, string model) => throw new NotSupportedException();

    public Task<IReadOnlyList<PooledBot>?> FindPool(string tenantId, string model) => throw new NotSupportedException();

    public Task<IReadOnlyList<ModelInfo>> ListModels(string tenantId) => throw new NotSupportedException();
}

/// <summary>Keeps what is logged.</summary>
/// <param name="least">What is less is not kept.</param>
internal sealed class RecordingLogger<T>(LogLevel least = LogLevel.Error) : ILogger<T>
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get { lock (_lines) return [.. _lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel < least) return;
        lock (_lines) _lines.Add(formatter(state, exception));
    }
}
