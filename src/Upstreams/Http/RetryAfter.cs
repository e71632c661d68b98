using System.Net.Http.Headers;

namespace CozeCluster.Upstreams.Http;

internal static class RetryAfter
{
    /// <summary>The moment a <c>Retry-After</c> header names, at most a day away; null without one.</summary>
    public static DateTimeOffset? Of(HttpResponseHeaders headers, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var wait = headers.RetryAfter is { Delta: { } delta } ? delta : headers.RetryAfter?.Date - now;
        if (wait is not { } given) return null;
        return now + TimeSpan.FromTicks(Math.Clamp(given.Ticks, 0, TimeSpan.TicksPerDay));
    }
}
