using System.Collections.Concurrent;

namespace CozeCluster;

/// <summary>
/// Reports to subscribers in this process that silos of the cluster have stopped or failed. Grains of such silos send nothing until they are called again and activate elsewhere.
/// One per process; thread-safe. A single node never reports anything.
/// </summary>
public sealed class SiloDepartures
{
    private readonly ConcurrentDictionary<Subscriber, bool> _subscribers = new();

    /// <summary>Calls <paramref name="departed"/> when silos have gone, possibly more than once for one silo, on any thread. It must return at once.</summary>
    /// <returns>Ends the subscription.</returns>
    public IDisposable Subscribe(Action departed)
    {
        var subscriber = new Subscriber(this, departed);
        _subscribers[subscriber] = true;
        return subscriber;
    }

    /// <summary>Calls all subscribers.</summary>
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
