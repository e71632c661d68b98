using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Http;

/// <summary>Answers that may be a second old: saves a grain call per request. Bounded; a full cache starts anew.</summary>
internal sealed class ShortCache<TKey, TValue>(TimeProvider time) where TKey : notnull
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<TKey, (TValue Value, long At)> _entries = new();

    public bool TryGet(TKey key, out TValue value)
    {
        var found = _entries.TryGetValue(key, out var entry) && time.GetElapsedTime(entry.At) < Age;
        value = entry.Value;
        return found;
    }

    public void Set(TKey key, TValue value)
    {
        if (_entries.Count >= Capacity) _entries.Clear();
        _entries[key] = (value, time.GetTimestamp());
    }
}
