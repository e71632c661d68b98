using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Engine.Embedded;

/// <summary>Grains in one process.</summary>
internal sealed class EmbeddedEngine : IGrains, IHostedService
{
    private readonly EmbeddedEngineOptions _options;
    private readonly FrozenDictionary<Type, GrainKind> _kinds;
    private readonly FrozenDictionary<string, GrainKind> _kindsByName;
    private readonly ConcurrentDictionary<Type, ObserverKind> _observers = new();
    private readonly FileBlobStore _blobs;
    private ITimer? _sweep;
    private volatile Stage _stage;

    public EmbeddedEngine(IServiceProvider services, IEnumerable<GrainDefinition> definitions, EmbeddedEngineOptions options)
    {
        _options = options;
        Services = services;
        Time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        Logger = (services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger<EmbeddedEngine>();
        Faults = options.ClusterLike is null ? null : new Faults(options.ClusterLike);
        _kinds = definitions.ToFrozenDictionary(d => d.Interface, d => new GrainKind(this, d));
        _kindsByName = _kinds.Values.ToFrozenDictionary(k => k.Name);
        foreach (var kind in _kinds.Values) Faults?.Wire.Verify(kind.Methods.Values);
        Reminders = new ReminderService(this);
        _blobs = new FileBlobStore(Path.Combine(options.DataDirectory, FileBlobStore.FolderName), options.BlobLifetime, Time);
        Housekeeping = new Housekeeping(this, _blobs);
    }

    private enum Stage
    {
        New,
        Running,
        Draining,
        Closed,
    }

    public IServiceProvider Services { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    /// <summary>The test mode; null in earnest.</summary>
    public Faults? Faults { get; }

    public SqliteStore Store { get; private set; } = null!;

    public ReminderService Reminders { get; }

    public IBlobStore Blobs => _blobs;

    public IEnumerable<GrainKind> Kinds => _kinds.Values;

    public Housekeeping Housekeeping { get; }

    public bool IsClosed => _stage == Stage.Closed;

    /// <summary>How many grains are in memory.</summary>
    public int ActivationCount => _kinds.Values.Sum(k => k.Activations.Count);

    /// <summary>How often idle grains are looked for.</summary>
    public TimeSpan SweepPeriod
    {
        get
        {
            var shortest = _kinds.Values.Select(k => k.Definition.IdleAfter).DefaultIfEmpty(TimeSpan.MaxValue).Min();
            return TimeSpan.FromTicks(Math.Clamp(shortest.Ticks / 2, TimeSpan.TicksPerSecond, 30 * TimeSpan.TicksPerSecond));
        }
    }

    public static ClusterException Draining() => new(ErrorCode.Draining, "This node is shutting down. Try again.");

    public T Get<T>(string key) where T : class, IGrain
    {
        if (!_kinds.TryGetValue(typeof(T), out var kind)) throw new ArgumentException($"No grain of kind {typeof(T).Name} is registered.");
        EngineArguments.CheckKey(key);
        return (T)kind.Reference(key);
    }

    public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver
    {
        ArgumentNullException.ThrowIfNull(observer);
        var kind = _observers.GetOrAdd(typeof(T), static (type, engine) => new ObserverKind(engine, type), this);
        return new ObserverHandle<T>(kind.Reference(observer));
    }

    public GrainKind? FindKind(string name) => _kindsByName.GetValueOrDefault(name);

    /// <summary>Why a call may not be made now; null if it may.</summary>
    public Exception? Refusal() => _stage switch
    {
        Stage.Running => null,
        Stage.New => new ClusterException(ErrorCode.EngineRejected, "This node has not started yet. Try again."),
        // What runs may finish, and needs other grains for it.
        Stage.Draining when SynchronizationContext.Current is GrainScheduler => null,
        _ => Draining(),
    };

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Store = await Task.Run(() => SqliteStore.Open(_options.DataDirectory, _options.Durability, Time, Logger), cancellationToken);
        var reminders = Store.ReadReminders();
        _stage = Stage.Running;
        Reminders.Start(reminders);
        _sweep = Time.CreateTimer(static engine => ((EmbeddedEngine)engine!).Sweep(), this, SweepPeriod, SweepPeriod);
        Housekeeping.Start();
        Log.Started(Logger, _options.DataDirectory, _kinds.Count, reminders.Count);
    }

    /// <summary>Takes no more calls from outside, lets what runs finish, puts every grain away, and closes the store.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stage != Stage.Running) return;
        _stage = Stage.Draining;
        Reminders.Stop();
        _sweep?.Dispose();
        await Housekeeping.StopAsync();
        try
        {
            // Grains that finish may call others to life, hence more than one round.
            while (_kinds.Values.SelectMany(k => k.Activations.Values).ToList() is { Count: > 0 } activations)
            {
                foreach (var activation in activations) activation.LeaveWhen(Leave.WhenQuiet);
                await Task.WhenAll(activations.Select(a => a.WhenGone())).WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            Log.StoppedEarly(Logger, ActivationCount);
        }
        _stage = Stage.Closed;
        await Task.Run(Store.Dispose, CancellationToken.None);
        Log.Stopped(Logger);
    }

    /// <summary>Puts every grain away that does nothing, however short that has been, for tests.</summary>
    public async Task CollectIdle()
    {
        var activations = _kinds.Values.SelectMany(k => k.Activations.Values).ToList();
        await Task.WhenAll(activations.Where(a => a.CollectIfIdle(long.MaxValue)).Select(a => a.WhenGone()));
    }

    /// <summary>Puts idle grains away.</summary>
    private void Sweep()
    {
        var now = Time.GetTimestamp();
        foreach (var kind in _kinds.Values)
        {
            var idleSince = now - (long)(kind.Definition.IdleAfter.TotalSeconds * Time.TimestampFrequency);
            foreach (var activation in kind.Activations) activation.Value.CollectIfIdle(idleSince);
        }
    }
}
