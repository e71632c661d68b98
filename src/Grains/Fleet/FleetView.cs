using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// The view that this process has of the fleet: an index in memory, which is replaced as a whole. <see cref="FleetViewPolling"/> refreshes it once a second.
/// </summary>
internal sealed partial class FleetView(
    IGrainFactory grains, FleetViewOptions options, TimeProvider time, NetworkClock network, ILogger<FleetView> logger, BotLoads? loads = null)
    : IFleetView, IDisposable
{
    /// <summary>The time between two polls.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>A few polls may fail without being reported: the catalog moves to another silo within seconds.</summary>
    private static readonly TimeSpan DegradedAfter = PollInterval * 3;

    private readonly string _processId = $"{Environment.MachineName}-{Environment.ProcessId}-{GrainKeys.Encode(Guid.NewGuid().ToByteArray())[^8..]}";
    private readonly ConcurrentDictionary<Subscription, bool> _subscriptions = new();
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private int _lastStarted;
    private int _lastSucceeded;
    private FleetViewState _logged = FleetViewState.Current;
    private volatile FleetIndex? _index;

    // Only a poll that has failed shows that the catalog does not confirm the view. A clock that jumps, as when a machine was suspended, does not.
    private volatile bool _isUnconfirmed;
    private long _confirmedAt;
    private long _confirmedTicks;

    public long Version => _index?.Version ?? 0;

    public FleetViewStatus Status
    {
        get
        {
            var confirmed = Interlocked.Read(ref _confirmedTicks);
            return new FleetViewStatus(State, confirmed == 0 ? null : new DateTimeOffset(confirmed, TimeSpan.Zero));
        }
    }

    public FleetOutline Outline => Current.Outline;

    public FleetEndpoints Endpoints => _index?.Endpoints ?? FleetEndpoints.None;

    public ConversationIds Ids => Current.Ids ?? throw NoFleetYet();

    private FleetViewState State
    {
        get
        {
            if (_index is null) return FleetViewState.Loading;
            if (!_isUnconfirmed) return FleetViewState.Current;
            var unconfirmed = time.GetElapsedTime(Interlocked.Read(ref _confirmedAt));
            if (unconfirmed >= options.StaleMax) return FleetViewState.Stale;
            return unconfirmed >= DegradedAfter ? FleetViewState.Degraded : FleetViewState.Current;
        }
    }

    private FleetIndex Current => State switch
    {
        FleetViewState.Loading => throw new ClusterException(ErrorCode.CallRejected, "This node has not loaded the fleet yet. Retry in a moment."),
        FleetViewState.Stale => throw new ClusterException(
            ErrorCode.CallRejected,
            "This node cannot confirm that its API keys, bots and models are still valid: the catalog of the cluster does not answer. Retry in a moment."),
        _ => _index!,
    };

    public ApiKeyInfo? FindKey(string hash)
    {
        var index = Current;
        // The nodes of a new cluster may start before the one that has the fleet file. Until then, no key is wrong.
        if (index.Version == 0) throw NoFleetYet();
        return index.FindKey(hash);
    }

    public IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId) => Current.ListKeys(tenantId);

    public TenantDefinition? FindTenant(string tenantId) => Current.FindTenant(tenantId);

    public BotDefinition? FindBot(string botId) => Current.FindBot(botId);

    public ApiKeyInfo? FindKeyByName(string tenantId, string keyName) => Current.FindKeyByName(tenantId, keyName);

    public AccountDefinition? FindAccount(string accountId) => Current.FindAccount(accountId);

    public ListenerDefinition? FindListener(string listenerId) => Current.FindListener(listenerId);

    public ModelDefinition? FindModel(string tenantId, string model) => Current.FindModel(tenantId, model);

    public IReadOnlyList<ModelInfo> ListModels(string tenantId) => Current.ListModels(tenantId);

    public async Task Refresh(CancellationToken cancellationToken = default)
    {
        if (await TryRefresh().WaitAsync(cancellationToken) is not { } failure) return;
        throw failure as ClusterException ?? new ClusterException(ErrorCode.CallRejected, "The catalog of the cluster did not answer. Retry.", inner: failure);
    }

    public IDisposable Subscribe(Action<FleetChange> onChange)
    {
        var subscription = new Subscription(this, onChange);
        _subscriptions[subscription] = true;
        return subscription;
    }

    /// <summary>Asks the catalog once. It runs on the thread pool, so that a grain that deactivates while it waits for a refresh does not stop it.</summary>
    /// <returns>Null if the catalog has answered; otherwise why not.</returns>
    public Task<Exception?> TryRefresh() => Task.Run(RefreshInTurn);

    public void Dispose() => _refreshing.Dispose();

    private async Task<Exception?> RefreshInTurn()
    {
        var lastStarted = Volatile.Read(ref _lastStarted);
        await _refreshing.WaitAsync();
        try
        {
            // Callers that waited share one load, if it has started after they asked.
            if (_lastSucceeded > lastStarted) return null;
            Volatile.Write(ref _lastStarted, _lastStarted + 1);
            var (startedAt, startedTime) = (time.GetTimestamp(), time.GetUtcNow());
            var failure = await Load();
            if (failure is null)
            {
                _lastSucceeded = _lastStarted;
                Interlocked.Exchange(ref _confirmedAt, startedAt);
                Interlocked.Exchange(ref _confirmedTicks, startedTime.UtcTicks);
            }
            _isUnconfirmed = failure is not null;
            LogState(failure);
            return failure;
        }
        finally
        {
            _refreshing.Release();
        }
    }

    private async Task<Exception?> Load()
    {
        try
        {
            var known = _index;
            var poll = new FleetPoll(_processId, known?.Version ?? -1);
            var usesLoads = loads is not null && known?.UsesLoads == true;
            if (await Ask(usesLoads ? poll with { Loads = loads!.TakeUnsent() } : poll) is not { } page) return null;
            loads?.Learn(page.Loads);
            if (page.Version == known?.Version && page is { IsFull: false, Rows: [], Next: null }) return null;
            var (rows, isFull) = (new List<FleetRow>(), false);
            while (true)
            {
                if (page.IsFull) (isFull, _) = (true, rows.RemoveAll(_ => true));
                rows.AddRange(page.Rows);
                if (page.Next is null) break;
                page = await Ask(poll with { After = page.Next })
                    ?? throw new ClusterException(ErrorCode.CallRejected, "The catalog of the cluster changed while the fleet was loaded. Retry.");
            }
            Replace(known ?? FleetIndex.Empty, (known ?? FleetIndex.Empty).With(page.Version, isFull || known is null, rows, LogDamaged));
            return null;
        }
        catch (Exception exception)
        {
            // Before Orleans' client has connected, it throws exceptions of several types.
            return exception;
        }
    }

    private Task<FleetChanges?> Ask(FleetPoll poll) =>
        grains.Grain<ICatalogGrain>(GrainKeys.Catalog).GetChanges(poll).WaitAsync(options.AnswerTimeout, network.Time);

    private void Replace(FleetIndex before, FleetIndex after)
    {
        _index = after;
        var change = new FleetChange(after.Version, after.FindRevokedKeys(before));
        foreach (var (subscription, _) in _subscriptions)
        {
            try
            {
                subscription.OnChange(change);
            }
            catch (Exception exception)
            {
                LogSubscriberFailed(exception, change.Version);
            }
        }
    }

    private static ClusterException NoFleetYet() =>
        new(ErrorCode.CallRejected, "No fleet has been applied to this cluster yet. Retry in a moment.");

    private void LogState(Exception? failure)
    {
        var state = State;
        if (state == _logged || state == FleetViewState.Loading) return;
        _logged = state;
        if (state == FleetViewState.Degraded) LogDegraded(failure, options.StaleMax.TotalSeconds);
        else if (state == FleetViewState.Stale) LogStale(failure);
        else LogConfirmed(Version);
    }

    private void LogDamaged(FleetRow row, JsonException exception) => LogDamaged(exception, row.Kind, row.Id);

    [LoggerMessage(1020, LogLevel.Warning, "The catalog does not answer. This process uses the fleet that it knows, for {Seconds} s at most")]
    private partial void LogDegraded(Exception? exception, double seconds);

    [LoggerMessage(1021, LogLevel.Error, "The catalog has not answered for too long. This process refuses everything that needs the fleet")]
    private partial void LogStale(Exception? exception);

    [LoggerMessage(1022, LogLevel.Information, "The catalog answers again. This process uses version {Version} of the fleet")]
    private partial void LogConfirmed(long version);

    [LoggerMessage(1023, LogLevel.Error, "The row of {Kind} {Id} in the fleet is damaged. It is ignored until the next import replaces it")]
    private partial void LogDamaged(Exception exception, FleetRowKind kind, string id);

    [LoggerMessage(1024, LogLevel.Error, "A subscriber failed to handle version {Version} of the fleet")]
    private partial void LogSubscriberFailed(Exception exception, long version);

    private sealed class Subscription(FleetView view, Action<FleetChange> onChange) : IDisposable
    {
        public Action<FleetChange> OnChange => onChange;

        public void Dispose() => view._subscriptions.TryRemove(this, out _);
    }
}
