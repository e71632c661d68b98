namespace CozeCluster.Grains;

/// <summary>Leases by id, each with the time it was taken: what a dead node held frees itself. Clocks that are set change nothing.</summary>
internal sealed class LeaseBook(TimeProvider time, TimeSpan lifetime)
{
    private readonly Dictionary<string, long> _taken = [];
    private long _sweptAt = time.GetTimestamp();

    /// <summary>How many are held now.</summary>
    public int Count
    {
        get
        {
            Sweep();
            return _taken.Count;
        }
    }

    /// <summary>Those held, and those that ran out since they were last counted.</summary>
    public IEnumerable<string> Ids => _taken.Keys;

    /// <summary>Whether that lease is held.</summary>
    public bool Holds(string id) => _taken.TryGetValue(id, out var taken) && !IsOver(taken);

    /// <summary>Takes or prolongs a lease.</summary>
    public void Take(string id) => _taken[id] = time.GetTimestamp();

    /// <summary>Gives a lease back.</summary>
    /// <returns>Whether it was held.</returns>
    public bool Return(string id) => _taken.Remove(id);

    private bool IsOver(long taken) => time.GetElapsedTime(taken) >= lifetime;

    private void Sweep()
    {
        // A second's delay in noticing costs little; looking at every lease on every count would not.
        if (time.GetElapsedTime(_sweptAt) < TimeSpan.FromSeconds(1)) return;
        _sweptAt = time.GetTimestamp();
        foreach (var (id, taken) in _taken)
        {
            if (IsOver(taken)) _taken.Remove(id);
        }
    }
}
