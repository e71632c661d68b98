using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace CozeCluster.Engine.Orleans;

/// <summary>Where grains of the cluster are found, from a silo as well as from a client.</summary>
internal sealed class OrleansGrains(IGrainFactory factory, OrleansEngineOptions options, TimeProvider time) : IGrains
{
    private readonly FrozenDictionary<Type, GrainAdapter> _adapters = AdaptersOf(options);
    private readonly FrozenDictionary<Type, ObserverAdapter> _observerAdapters = options.ObserverAdapters.ToFrozenDictionary(a => a.Interface);

    // Orleans holds observers weakly.
    private readonly ConcurrentDictionary<Observed, bool> _observed = new();

    public T Get<T>(string key) where T : class, IGrain
    {
        if (!_adapters.TryGetValue(typeof(T), out var adapter)) throw new ArgumentException($"No grain of kind {typeof(T).Name} is registered.");
        EngineArguments.CheckKey(key);
        try
        {
            return (T)adapter.Reference(factory, key);
        }
        catch (ArgumentException e)
        {
            // A client hears of the kinds of grains when it connects for the first time.
            throw new ClusterException(ErrorCode.EngineRejected, "The cluster is not there yet. Try again.", inner: e);
        }
    }

    public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver
    {
        ArgumentNullException.ThrowIfNull(observer);
        if (!_observerAdapters.TryGetValue(typeof(T), out var adapter)) throw new ArgumentException($"No observer of kind {typeof(T).Name} is registered.");
        var observed = adapter.Adapt(observer);
        _observed.TryAdd(observed, true);
        return new Handle<T>(this, adapter, observed, (T)adapter.Reference(factory, observed));
    }

    private static FrozenDictionary<Type, GrainAdapter> AdaptersOf(OrleansEngineOptions options)
    {
        var adapters = options.Adapters.ToDictionary(a => a.Interface);
        return options.Definitions.ToFrozenDictionary(
            d => d.Interface,
            d => adapters.GetValueOrDefault(d.Interface) ?? throw new ArgumentException($"There is no Orleans adapter for {d.Interface.Name}."));
    }

    private void Drop(ObserverAdapter adapter, Observed observed, IAddressable reference)
    {
        observed.Drop();
        // For as long as somebody may still call, it answers that it is gone: a call to what Orleans no longer knows is never answered.
        _ = Forget();

        async Task Forget()
        {
            await Task.Delay(options.ObserverTimeout, time, CancellationToken.None);
            if (_observed.TryRemove(observed, out _)) adapter.Delete(factory, reference);
        }
    }

    private sealed class Handle<T>(OrleansGrains grains, ObserverAdapter adapter, Observed observed, T reference) : IObserverHandle<T>
        where T : class, IObserver
    {
        private int _disposed;

        public T Reference => reference;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) grains.Drop(adapter, observed, (IAddressable)reference);
        }
    }
}
