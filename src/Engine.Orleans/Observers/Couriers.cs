using System.Collections.Concurrent;

namespace CozeCluster.Engine.Orleans;

/// <summary>The couriers of this process, one to each process whose observers it was ever given: some hundred bytes for each.</summary>
internal sealed class Couriers(IGrainFactory factory, ObserverHub own, IGrainReferenceRuntime inner, OrleansEngineOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<GrainId, Courier> _byHub = new();

    /// <summary>The one to an observer.</summary>
    public Courier To(GrainId observer) =>
        _byHub.GetOrAdd(ObserverHub.HubOf(observer), hub => new Courier(own.Is(hub) ? own : factory.GetGrain<IObserverHub>(hub), inner, options, time));
}
