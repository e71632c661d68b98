using System.Collections.Concurrent;
using System.Collections.Frozen;
using Orleans.Metadata;

namespace CozeCluster.Engine.Orleans;

/// <summary>Where grains of the cluster are found, from a silo as well as from a client.</summary>
internal sealed class OrleansGrains(IGrainFactory factory, GrainInterfaceTypeResolver interfaces, References references, ObserverHub hub, GoneNodes nodes, OrleansEngineOptions options) : IGrains
{
    private readonly FrozenDictionary<Type, GrainAdapter> _adapters = AdaptersOf(options);

    // What Orleans calls a kind of grain, once known: it works it out anew for each reference.
    private readonly ConcurrentDictionary<Type, (GrainType Type, GrainInterfaceType Interface)> _kinds = new();
    private readonly FrozenDictionary<Type, GrainInterfaceType> _observers =
        options.ObserverAdapters.ToFrozenDictionary(a => a.Interface, a => interfaces.GetGrainInterfaceType(a.Adapter));

    public T Get<T>(string key) where T : class, IGrain
    {
        if (!_adapters.TryGetValue(typeof(T), out var adapter)) throw new ArgumentException($"No grain of kind {typeof(T).Name} is registered.");
        EngineArguments.CheckKey(key);
        if (_kinds.TryGetValue(typeof(T), out var kind)) return (T)factory.GetGrain(GrainId.Create(kind.Type, key), kind.Interface);
        try
        {
            var reference = (GrainReference)adapter.Reference(factory, key);
            _kinds[typeof(T)] = (reference.GrainId.Type, reference.InterfaceType);
            return (T)(object)reference;
        }
        catch (ArgumentException e)
        {
            // A client hears of the kinds of grains when it connects for the first time.
            throw new ClusterException(ErrorCode.EngineRejected, "The cluster is not there yet. Try again.", inner: e);
        }
    }

    public T GetNew<T>(string key) where T : class, IGrain => (T)(object)references.New((GrainReference)(object)Get<T>(key));

    public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver
    {
        ArgumentNullException.ThrowIfNull(observer);
        if (!_observers.TryGetValue(typeof(T), out var adapter)) throw new ArgumentException($"No observer of kind {typeof(T).Name} is registered.");
        var id = hub.Add(observer);
        return new Handle<T>(hub, id, (T)factory.GetGrain(id, adapter));
    }

    public IDisposable? OnNodesGone(Action gone) => nodes.Add(gone);

    private static FrozenDictionary<Type, GrainAdapter> AdaptersOf(OrleansEngineOptions options)
    {
        var adapters = options.Adapters.ToDictionary(a => a.Interface);
        return options.Definitions.ToFrozenDictionary(
            d => d.Interface,
            d => adapters.GetValueOrDefault(d.Interface) ?? throw new ArgumentException($"There is no Orleans adapter for {d.Interface.Name}."));
    }

    private sealed class Handle<T>(ObserverHub hub, GrainId id, T reference) : IObserverHandle<T> where T : class, IObserver
    {
        public T Reference => reference;

        public void Dispose() => hub.Remove(id);
    }
}
