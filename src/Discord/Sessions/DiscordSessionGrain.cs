using CozeCluster.Grains;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>The lease row of a listener's shard: whoever holds it may identify.</summary>
public sealed class DiscordSessionState
{
    /// <summary>A random name of the activation that holds it.</summary>
    public string? Owner { get; set; }

    /// <summary>Grows with every change of owner.</summary>
    public long Epoch { get; set; }

    /// <summary>Until when it is held.</summary>
    public DateTimeOffset HeldUntil { get; set; }
}

/// <summary>Keeps a listener connected while it is in the fleet, and hands each watcher only what it watches.</summary>
[GrainType("discord-session"), ActivationCountBasedPlacement]
public sealed partial class DiscordSessionGrain : Grain, IDiscordSessionGrain
{
    private const int MaxWaitingEvents = 10_000;
    private static readonly TimeSpan HoldFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TendEvery = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReadyWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(5);

    private readonly string _me = Guid.NewGuid().ToString("n");
    private readonly IPersistentState<DiscordSessionState> _state;
    private readonly BackgroundWork _work;
    private readonly IDiscordApi _discord;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<DiscordSessionState> _saver;
    private readonly Declared<ListenerDefinition> _listener;
    private readonly int _shard;
    private readonly HealthReporter _reporter;
    private readonly Dictionary<string, DiscordWatcher> _watchers = [];
    private TaskCompletionSource<DiscordSessionHealth> _settled = NewSignal();
    private volatile DiscordSessionHealth _health;
    private bool _connecting;

    /// <summary>Made by Orleans.</summary>
    public DiscordSessionGrain(
        [PersistentState("discord-session")] IPersistentState<DiscordSessionState> state, BackgroundWork work, IDiscordApi discord, TimeProvider time, ILogger<DiscordSessionGrain> logger)
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
        _shard = int.Parse(work.Key.AsSpan(dot + 1), CultureInfo.InvariantCulture);
        var listenerId = work.Key[..dot];
        _listener = new Declared<ListenerDefinition>(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindListener(listenerId));
    }

    private DiscordSessionState State => _state.State;

    /// <inheritdoc />
    public Task<DiscordSessionHealth> Connect()
    {
        StartConnecting();
        return Task.FromResult(_health);
    }

    /// <inheritdoc />
    public async Task Watch(DiscordWatch watch, IDiscordObserver observer)
    {
        StartConnecting();
        var health = _health.State == "ready" ? _health : await Settled();
        if (health.State != "ready") throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The Discord listener is not connected: {health.Reason ?? health.State}");
        _watchers[watch.Id] = new DiscordWatcher(watch, observer, _time);
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
        if (State.Owner != _me)
        {
            if (State.HeldUntil > now)
            {
                throw new ClusterException(ErrorCode.UpstreamUnavailable, "Another node holds this Discord listener, or died holding it.", until: State.HeldUntil);
            }
            State.Owner = _me;
            State.Epoch++;
        }
        State.HeldUntil = now + HoldFor;
        await _saver.Save();
    }

    /// <summary>Whoever comes next need not wait for the lease to run out.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        if (State.Owner != _me) return;
        State.HeldUntil = default;
        await _saver.Save();
    }

    private void StartConnecting()
    {
        if (_connecting) return;
        _connecting = true;
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
                    if (await _listener.Get() is not { } listener) break;
                    if (await Run(listener, stop) is not { } reason) continue;
                    LogRefused(_logger, _work.Key, reason);
                    Note(new DiscordSessionHealth("failed", reason, _time.GetUtcNow()));
                    pause = PauseAfterRefusal;
                }
                catch (Exception exception) when (!stop.IsCancellationRequested)
                {
                    // Such as a store that cannot be reached. Nobody else would connect again, and who watches would take the listener for connected.
                    LogBroken(_logger, exception, _work.Key);
                    Note(new DiscordSessionHealth("connecting", "The connection could not be kept, through no fault of Discord's.", _time.GetUtcNow()));
                    pause = PauseAfterFault;
                }
                // They are not told what happens meanwhile: they find out, read their channels, and come again.
                _watchers.Clear();
                Report();
                await Task.Delay(pause, _time, stop);
            }
            Note(new DiscordSessionHealth("failed", "The listener is not in the fleet.", _time.GetUtcNow()));
        }
        finally
        {
            _connecting = false;
        }
    }

    /// <summary>Keeps a connection for as long as the fleet declares the listener so.</summary>
    /// <returns>Why Discord will not have it; null if it is declared otherwise now, or no more.</returns>
    private async Task<string?> Run(ListenerDefinition listener, CancellationToken stop)
    {
        // Not disposed: a tick that is under way may still cancel it.
        var changed = new CancellationTokenSource();
        using var stopping = stop.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), changed);
        using var tending = this.StartTimer(TendEvery, TendEvery, _ => Tend(listener, changed));
        try
        {
            return await RunConnection(listener, changed.Token);
        }
        catch (OperationCanceledException) when (changed.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task Tend(ListenerDefinition listener, CancellationTokenSource changed)
    {
        Report();
        if (State.Owner == _me) await TakeLease();
        // Secrets are sealed anew with each fleet, so they are not compared: a token that was replaced ends by itself, as Discord takes the old one no more.
        var declared = await _listener.Get();
        if (declared is null || declared with { Token = listener.Token, Proxy = listener.Proxy } != listener) await changed.CancelAsync();
    }

    private void Report() => _reporter.Tell(
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
            while (events.Reader.TryRead(out var one)) Route(one);
            foreach (var watcher in _watchers.Values) watcher.Kick();
        }
        return await connection;
    }

    private async Task<string> Connect(ListenerDefinition listener, ChannelWriter<DiscordEvent> events, CancellationToken stop)
    {
        // The connection runs on threads of its own; what it wants of this grain comes through the grain's door.
        var me = GrainFactory.Grain<IDiscordSessionGrain>(_work.Key);
        try
        {
            return await _discord.Connect(listener, _shard, events, Note, _ => me.TakeLease(), stop);
        }
        finally
        {
            events.TryComplete();
        }
    }

    private void Route(DiscordEvent one)
    {
        foreach (var (id, watcher) in _watchers)
        {
            if (watcher.IsOver) _watchers.Remove(id);
            else watcher.Offer(one);
        }
    }

    /// <summary>Comes from any thread.</summary>
    private void Note(DiscordSessionHealth health)
    {
        _health = health;
        if (health.State is "ready" or "failed") _settled.TrySetResult(health);
        else if (_settled.Task.IsCompleted) _settled = NewSignal();
    }

    private async Task<DiscordSessionHealth> Settled()
    {
        try
        {
            return await _settled.Task.WaitAsync(ReadyWait, _time);
        }
        catch (TimeoutException)
        {
            return _health;
        }
    }

    private static TaskCompletionSource<DiscordSessionHealth> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1201, LogLevel.Error, "Discord listener {Key} is refused: {Reason}")]
    private static partial void LogRefused(ILogger logger, string key, string reason);

    [LoggerMessage(1202, LogLevel.Error, "Discord listener {Key} lost its connection through a fault")]
    private static partial void LogBroken(ILogger logger, Exception exception, string key);
}
