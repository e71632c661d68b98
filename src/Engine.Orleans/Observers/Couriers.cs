using System.Collections.Concurrent;

namespace CozeCluster.Engine.Orleans;

/// <summary>The couriers of this process, one to each process whose observers it was ever given: some hundred bytes for each.</summary>
internal sealed class Couriers(IGrainFactory factory, ObserverHub own, IGrainReferenceRuntime inner, OrleansEngineOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<GrainId, Courier> _byHub = new();

    /// <summary>The way to an observer.</summary>
    public ObserverCalls To(GrainId observer)
    {
        var courier = _byHub.GetOrAdd(ObserverHub.HubOf(observer), hub => new Courier(own.Is(hub) ? own : factory.GetGrain<IObserverHub>(hub), options, time));
        return new ObserverCalls(courier, ObserverHub.NumberOf(observer.Key), inner);
    }
}
