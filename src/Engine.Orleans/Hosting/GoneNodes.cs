using System.Collections.Concurrent;

namespace CozeCluster.Engine.Orleans;

/// <summary>Whoever in this process wants to know that silos have gone.</summary>
internal sealed class GoneNodes
{
    private readonly ConcurrentDictionary<Subscriber, bool> _subscribers = new();

    /// <summary>Tells one more.</summary>
    /// <returns>Ends it.</returns>
    public IDisposable Add(Action gone)
    {
        var subscriber = new Subscriber(this, gone);
        _subscribers[subscriber] = true;
        return subscriber;
    }

    /// <summary>Some have gone.</summary>
    public void Tell()
    {
        foreach (var (subscriber, _) in _subscribers) subscriber.Gone();
    }

    private sealed class Subscriber(GoneNodes nodes, Action gone) : IDisposable
    {
        public Action Gone => gone;

        public void Dispose() => nodes._subscribers.TryRemove(this, out _);
    }
}
