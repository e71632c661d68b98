namespace CozeCluster.Grains;

/// <summary>Leases by id, each with the time it runs out: what a dead node held frees itself.</summary>
internal sealed class LeaseBook(TimeProvider time, TimeSpan lifetime)
{
    private readonly Dictionary<string, DateTimeOffset> _until = [];
    private DateTimeOffset _nextSweep;

    /// <summary>How many are held now.</summary>
    public int Count
    {
        get
        {
            Sweep();
            return _until.Count;
        }
    }

    /// <summary>Whether that lease is held.</summary>
    public bool Holds(string id) => _until.TryGetValue(id, out var until) && until > time.GetUtcNow();

    /// <summary>Takes or prolongs a lease.</summary>
    public void Take(string id) => _until[id] = time.GetUtcNow() + lifetime;

    /// <summary>Gives a lease back.</summary>
    /// <returns>Whether it was held.</returns>
    public bool Return(string id) => _until.Remove(id);

    private void Sweep()
    {
        var now = time.GetUtcNow();
        if (now < _nextSweep) return;
        // A second's delay in noticing costs little; looking at every lease on every count would not.
        _nextSweep = now + TimeSpan.FromSeconds(1);
        foreach (var (id, until) in _until)
        {
            if (until <= now) _until.Remove(id);
        }
    }
}
