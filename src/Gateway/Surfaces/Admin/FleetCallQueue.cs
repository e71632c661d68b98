namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// Lets few calls of tenant admins wait for the catalog, which answers one call after another: those of operators must not wait behind thousands of others.
/// A tenant makes one call at a time, so that no tenant waits for more than one call of each other tenant. Thread-safe.
/// </summary>
internal sealed class FleetCallQueue(TimeProvider time) : IDisposable
{
    /// <summary>How many calls of a tenant may wait or run in this process.</summary>
    public const int MaxOfTenant = 8;

    /// <summary>How many changes a tenant may make in a minute through this process.</summary>
    public const int MaxPerMinute = 120;

    /// <summary>How many calls of all tenants the catalog gets from this process at a time.</summary>
    public const int MaxAtCatalog = 2;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Tenant> _tenants = [];
    private readonly SemaphoreSlim _catalog = new(MaxAtCatalog);
    private long _windowStart;

    /// <summary>Makes a call for a tenant admin when it is its turn.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="isChange">Whether it changes something, so that it counts for <see cref="MaxPerMinute"/>.</param>
    /// <param name="call">Calls the catalog.</param>
    /// <param name="cancellationToken">Cancels only the wait.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.RateLimited"/>, with the time of a retry.</exception>
    public async Task<T> Run<T>(string tenantId, bool isChange, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var tenant = Enter(tenantId, isChange);
        try
        {
            using (await Wait(tenant.OneAtATime, cancellationToken))
            using (await Wait(_catalog, cancellationToken))
            {
                return await call();
            }
        }
        finally
        {
            lock (_gate) tenant.Entered--;
        }
    }

    public void Dispose() => _catalog.Dispose();

    private Tenant Enter(string tenantId, bool isChange)
    {
        lock (_gate)
        {
            if (_tenants.Count == 0 || time.GetElapsedTime(_windowStart) >= Window) StartWindow();
            if (!_tenants.TryGetValue(tenantId, out var tenant)) _tenants[tenantId] = tenant = new Tenant();
            var now = time.GetUtcNow();
            if (isChange && tenant.InWindow >= MaxPerMinute)
                throw Refuse($"A tenant may change its keys {MaxPerMinute} times a minute.", now + Window - time.GetElapsedTime(_windowStart));
            if (tenant.Entered >= MaxOfTenant) throw Refuse($"{MaxOfTenant} requests of this tenant are waiting already.", now + Pause);
            tenant.Entered++;
            if (isChange) tenant.InWindow++;
            return tenant;
        }
    }

    private void StartWindow()
    {
        _windowStart = time.GetTimestamp();
        foreach (var (id, tenant) in _tenants.ToList())
        {
            tenant.InWindow = 0;
            if (tenant.Entered == 0) _tenants.Remove(id);
        }
    }

    private static ClusterException Refuse(string reason, DateTimeOffset until) => new(ErrorCode.RateLimited, $"{reason} Retry later.", until: until);

    private static async Task<Turn> Wait(SemaphoreSlim semaphore, CancellationToken cancellationToken)
    {
        await semaphore.WaitAsync(cancellationToken);
        return new Turn(semaphore);
    }

    private readonly struct Turn(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }

    // Its semaphore has no resources to release: nobody asks for its wait handle.
    private sealed class Tenant
    {
        public SemaphoreSlim OneAtATime { get; } = new(1);

        public int Entered { get; set; }

        public int InWindow { get; set; }
    }
}
