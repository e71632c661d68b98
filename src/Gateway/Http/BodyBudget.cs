using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Limits the bytes of request bodies that this node holds in memory at the same time, for all tenants and for each. A body counts what has arrived of it, so
/// a client that sends slowly takes little. Small bodies are free: the number of connections limits them. Thread-safe.
/// </summary>
internal sealed class BodyBudget(GatewayOptions options, TimeProvider time)
{
    /// <summary>Bodies up to this size are not counted.</summary>
    private const int FreeBytes = 64 << 10;

    /// <summary>One tenant can use this part of the budget, but always enough for one body of the maximum size.</summary>
    private const int TenantPart = 4;

    private readonly ConcurrentDictionary<string, long> _tenants = new(StringComparer.Ordinal);
    private long _total;

    /// <summary>What all bodies hold now.</summary>
    public long BytesInFlight => Interlocked.Read(ref _total);

    private long TenantLimit => Math.Max(options.MaxBodyBytesInFlight / TenantPart, options.MaxBodyBytes);

    /// <summary>Begins the reading of a body. Disposing the result returns what the body took.</summary>
    public static Reservation Begin(HttpContext context) =>
        new(context.RequestServices.GetRequiredService<BodyBudget>(), RequestInfo.Of(context).Key?.TenantId ?? "");

    private void Take(string tenantId, long bytes)
    {
        if (Interlocked.Add(ref _total, bytes) > options.MaxBodyBytesInFlight)
        {
            Interlocked.Add(ref _total, -bytes);
            throw new ClusterException(
                ErrorCode.Overloaded,
                "This server is receiving too many large requests. Retry in a moment.",
                until: time.GetUtcNow() + TimeSpan.FromSeconds(1));
        }
        if (_tenants.AddOrUpdate(tenantId, bytes, (_, taken) => taken + bytes) <= TenantLimit) return;
        Return(tenantId, bytes);
        throw new ClusterException(
            ErrorCode.RateLimited,
            $"The bodies of your concurrent requests are larger than {TenantLimit} bytes together. Retry when one of them has been received.",
            until: time.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    private void Return(string tenantId, long bytes)
    {
        Interlocked.Add(ref _total, -bytes);
        if (_tenants.AddOrUpdate(tenantId, -bytes, (_, taken) => taken - bytes) == 0) _tenants.TryRemove(new(tenantId, 0));
    }

    /// <summary>What one body has taken.</summary>
    internal sealed class Reservation(BodyBudget budget, string tenantId) : IDisposable
    {
        private long _taken;

        /// <summary>Takes what is missing for a body of which <paramref name="received"/> bytes have arrived.</summary>
        /// <exception cref="ClusterException">
        /// <see cref="ErrorCode.Overloaded"/>: all tenants together hold too much. <see cref="ErrorCode.RateLimited"/>: the tenant does.
        /// </exception>
        public void Grow(long received)
        {
            if (received <= FreeBytes || received <= _taken) return;
            budget.Take(tenantId, received - _taken);
            _taken = received;
        }

        public void Dispose()
        {
            if (_taken > 0) budget.Return(tenantId, _taken);
            _taken = 0;
        }
    }
}
