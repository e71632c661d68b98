using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Http;

/// <summary>Keeps answers of grains for one second, to avoid a grain call for every request. Its size is limited: a full cache is cleared.</summary>
internal sealed class ShortCache<TKey, TValue>(TimeProvider time) where TKey : notnull
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<TKey, (TValue Value, long SetAt)> _entries = new();

    public bool TryGet(TKey key, out TValue value)
    {
        var found = _entries.TryGetValue(key, out var entry) && time.GetElapsedTime(entry.SetAt) < MaxAge;
        value = entry.Value;
        return found;
    }

    public void Set(TKey key, TValue value)
    {
        if (_entries.Count >= Capacity) _entries.Clear();
        _entries[key] = (value, time.GetTimestamp());
    }
}
