using System.Globalization;
using System.Threading.Channels;
using CozeCluster.Grains;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>The lease of a listener's shard: only its owner may identify.</summary>
public sealed class DiscordSessionState
{
    /// <summary>A random id of the activation that holds the lease.</summary>
    public string? Owner { get; set; }

    /// <summary>Incremented with every change of the owner.</summary>
    public long Epoch { get; set; }

    /// <summary>When the lease expires.</summary>
    public DateTimeOffset HeldUntil { get; set; }
}

/// <summary>Keeps a listener connected while the fleet contains it, and delivers to each watch only the events that it covers.</summary>
[GrainType("discord-session"), ActivationCountBasedPlacement]
public sealed partial class DiscordSessionGrain : Grain, IDiscordSessionGrain
{
    private const int MaxWaitingEvents = 10_000;
    private static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PauseAfterRejection = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly string _activationId = Guid.NewGuid().ToString("n");
    private readonly IPersistentState<DiscordSessionState> _state;
    private readonly BackgroundWork _work;
    private readonly IDiscordApi _discord;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<DiscordSessionState> _saver;
    private readonly IFleetView _fleet;
    private readonly string _listenerId;
    private readonly int _shard;
    private readonly HealthReporter _reporter;
    private readonly Dictionary<string, DiscordWatcher> _watchers = [];
    private TaskCompletionSource<DiscordSessionHealth> _decided = NewSignal();
    private volatile DiscordSessionHealth _health;
    private bool _isConnecting;

    /// <summary>Called by Orleans.</summary>
    public DiscordSessionGrain(
        [PersistentState("discord-session")] IPersistentState<DiscordSessionState> state,
        BackgroundWork work,
        IDiscordApi discord,
        IFleetView fleet,
        TimeProvider time,
        ILogger<DiscordSessionGrain> logger)
    {
        _state = state;
        _work = work;
        _discord = discord;
        _time = time;
        _logger = logger;
        _saver = new StateSaver<DiscordSessionState>(state, work);
        _health = new DiscordSessionHealth("connecting", null, time.GetUtcNow());
        _reporter = new HealthReporter(work, GrainFactory, HealthKind.Listener, time, logger);
        var dot = work.Key.LastIndexOf('.');
        _listenerId = GrainKeys.ListenerOf(work.Key);
        _shard = int.Parse(work.Key.AsSpan(dot + 1), CultureInfo.InvariantCulture);
        _fleet = fleet;
    }

    private DiscordSessionState State => _state.State;

    /// <inheritdoc />
    public Task<DiscordSessionHealth> Connect()
    {
        StartConnecting();
        return Task.FromResult(_health);
    }

    /// <inheritdoc />
    public async Task Watch(DiscordWatch watch, IDiscordObserver observer, CancellationToken cancellationToken)
    {
        StartConnecting();
        var health = _health.State == "ready" ? _health : await WaitForDecision(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (health.State != "ready")
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The Discord listener is not connected: {health.Reason ?? health.State}");
        }
        _watchers[watch.Id] = new DiscordWatcher(watch, observer, _time, _logger);
    }

    /// <inheritdoc />
    public Task Unwatch(string watchId)
    {
        _watchers.Remove(watchId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<bool> IsWatching(string watchId) => Task.FromResult(_watchers.TryGetValue(watchId, out var watcher) && !watcher.IsOver);

    /// <inheritdoc />
    public async Task TakeLease()
    {
        var now = _time.GetUtcNow();
        if (State.Owner != _activationId)
        {
            if (State.HeldUntil > now)
            {
                throw new ClusterException(
                    ErrorCode.UpstreamUnavailable, "Another node holds this Discord listener, or failed while it held it.", until: State.HeldUntil);
            }
            State.Owner = _activationId;
            State.Epoch++;
        }
        State.HeldUntil = now + LeaseDuration;
        await _saver.Save();
    }

    /// <summary>Releases the lease, so that the next activation need not wait until it expires.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        if (State.Owner != _activationId) return;
        State.HeldUntil = default;
        await _saver.Save();
    }

    private void StartConnecting()
    {
        if (_isConnecting) return;
        _isConnecting = true;
        _work.Run(KeepConnected);
    }

    private async Task KeepConnected(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                TimeSpan pause;
                try
                {
                    if (_fleet.FindListener(_listenerId) is not { } listener) break;
                    if (await Run(listener, stop) is not { } reason) continue;
                    LogRejected(_logger, _listenerId, _shard, reason);
                    SetHealth(new DiscordSessionHealth("failed", reason, _time.GetUtcNow()));
                    pause = PauseAfterRejection;
                }
                catch (Exception exception) when (!stop.IsCancellationRequested)
                {
                    // For example, the storage cannot be reached. Nothing else would connect again, and watches would never end.
                    LogFailed(_logger, exception, _listenerId, _shard);
                    SetHealth(new DiscordSessionHealth(
                        "connecting", "The connection ended because of an error in this cluster, not in Discord.", _time.GetUtcNow()));
                    pause = PauseAfterFailure;
                }
                // Events are lost now. Replies notice that their watch has ended, read their channels, and watch again.
                _watchers.Clear();
                ReportHealth();
                await Task.Delay(pause, _time, stop);
            }
            SetHealth(new DiscordSessionHealth("failed", "The listener is not in the fleet.", _time.GetUtcNow()));
        }
        finally
        {
            _isConnecting = false;
        }
    }

    /// <summary>Keeps a connection until the fleet declares the listener differently.</summary>
    /// <returns>Why Discord rejected the listener; null if the declaration changed or was removed.</returns>
    private async Task<string?> Run(ListenerDefinition listener, CancellationToken stop)
    {
        // Not disposed: a check that is running may still cancel it.
        var changed = new CancellationTokenSource();
        using var stopping = stop.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), changed);
        using var checks = this.StartTimer(CheckInterval, CheckInterval, _ => Check(listener, changed));
        try
        {
            return await RunConnection(listener, changed.Token);
        }
        catch (OperationCanceledException) when (changed.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Reports the health, renews the lease, and ends the connection if the declaration changed.</summary>
    private async Task Check(ListenerDefinition listener, CancellationTokenSource changed)
    {
        ReportHealth();
        if (State.Owner == _activationId) await TakeLease();
        if (_fleet.FindListener(_listenerId) != listener) await changed.CancelAsync();
    }

    private void ReportHealth() => _reporter.Report(
        _health.State switch { "ready" => HealthState.Ok, "failed" => HealthState.SetAside, _ => HealthState.Connecting },
        _health.Reason,
        _health.State == "failed" ? ErrorCode.UpstreamUnavailable : null,
        null);

    private async Task<string> RunConnection(ListenerDefinition listener, CancellationToken stop)
    {
        var events = Channel.CreateBounded<DiscordEvent>(new BoundedChannelOptions(MaxWaitingEvents) { SingleReader = true });
        var connection = Connect(listener, events.Writer, stop);
        while (await events.Reader.WaitToReadAsync(stop))
        {
            while (events.Reader.TryRead(out var e)) Distribute(e);
            foreach (var watcher in _watchers.Values) watcher.StartDelivery();
        }
        return await connection;
    }

    private async Task<string> Connect(ListenerDefinition listener, ChannelWriter<DiscordEvent> events, CancellationToken stop)
    {
        // The connection runs on pool threads, so it takes the lease by a call to this grain.
        var self = GrainFactory.Grain<IDiscordSessionGrain>(_work.Key);
        try
        {
            return await _discord.Connect(listener, _shard, events, SetHealth, _ => self.TakeLease(), stop);
        }
        finally
        {
            events.TryComplete();
        }
    }

    private void Distribute(DiscordEvent e)
    {
        foreach (var (id, watcher) in _watchers)
        {
            if (watcher.IsOver) _watchers.Remove(id);
            else watcher.Add(e);
        }
    }

    /// <summary>May be called from any thread.</summary>
    private void SetHealth(DiscordSessionHealth health)
    {
        _health = health;
        if (health.State is "ready" or "failed") _decided.TrySetResult(health);
        else if (_decided.Task.IsCompleted) _decided = NewSignal();
    }

    /// <summary>Waits until the connection is ready or has failed; at most for <see cref="ReadyTimeout"/>.</summary>
    private async Task<DiscordSessionHealth> WaitForDecision(CancellationToken cancellationToken)
    {
        try
        {
            return await _decided.Task.WaitAsync(ReadyTimeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return _health;
        }
    }

    private static TaskCompletionSource<DiscordSessionHealth> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1201, LogLevel.Error, "Discord rejected listener {ListenerId}, shard {Shard}: {Reason}")]
    private static partial void LogRejected(ILogger logger, string listenerId, int shard, string reason);

    [LoggerMessage(1202, LogLevel.Error, "The connection of listener {ListenerId}, shard {Shard}, ended because of an error in this cluster")]
    private static partial void LogFailed(ILogger logger, Exception exception, string listenerId, int shard);
}
