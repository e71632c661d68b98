using System.Collections.Concurrent;

namespace CozeCluster;

/// <summary>
/// Notifies subscribers in this process when silos of the cluster have stopped or failed. Grains on such silos send nothing until a new call activates them on
/// another silo. There is one instance for each process. Thread-safe. A single node never notifies.
/// </summary>
public sealed class SiloDepartures
{
    private readonly ConcurrentDictionary<Subscriber, bool> _subscribers = new();

    /// <summary>
    /// Registers <paramref name="departed"/>. It is called on any thread, possibly more than once for one silo, and must return at once.
    /// </summary>
    /// <returns>Ends the subscription when disposed.</returns>
    public IDisposable Subscribe(Action departed)
    {
        var subscriber = new Subscriber(this, departed);
        _subscribers[subscriber] = true;
        return subscriber;
    }

    /// <summary>Notifies all subscribers.</summary>
    public void Publish()
    {
        foreach (var (subscriber, _) in _subscribers) subscriber.Departed();
    }

    private sealed class Subscriber(SiloDepartures departures, Action departed) : IDisposable
    {
        public Action Departed => departed;

        public void Dispose() => departures._subscribers.TryRemove(this, out _);
    }
}
