namespace CozeCluster.Grains;

/// <summary>
/// The leases that a grain has granted. A lease expires if it is not renewed in time, so the leases of a failed node become free. Changes of the system clock
/// have no effect.
/// </summary>
internal sealed class LeaseBook(TimeProvider time, TimeSpan lifetime)
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, long> _takenAt = [];
    private long _sweptAt = time.GetTimestamp();

    /// <summary>The number of held leases. It may include leases that expired within the last second.</summary>
    public int Count
    {
        get
        {
            Sweep();
            return _takenAt.Count;
        }
    }

    /// <summary>The ids of held leases, and of leases that expired since <see cref="Count"/> was last read.</summary>
    public IEnumerable<string> Ids => _takenAt.Keys;

    /// <summary>Whether a lease is held.</summary>
    public bool Holds(string id) => _takenAt.TryGetValue(id, out var takenAt) && !HasExpired(takenAt);

    /// <summary>Takes or renews a lease.</summary>
    public void Take(string id) => _takenAt[id] = time.GetTimestamp();

    /// <summary>Returns a lease.</summary>
    /// <returns>Whether the lease was held.</returns>
    public bool Return(string id) => _takenAt.Remove(id);

    private bool HasExpired(long takenAt) => time.GetElapsedTime(takenAt) >= lifetime;

    private void Sweep()
    {
        // Checking every lease on every count would be expensive.
        if (time.GetElapsedTime(_sweptAt) < SweepInterval) return;
        _sweptAt = time.GetTimestamp();
        foreach (var (id, takenAt) in _takenAt)
        {
            if (HasExpired(takenAt)) _takenAt.Remove(id);
        }
    }
}
