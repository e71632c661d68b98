using System.Globalization;
using System.Net.Http.Headers;

namespace CozeCluster.Discord;

/// <summary>
/// Discord's rate limits of one token, learned from its responses: as Discord's documentation asks, nothing about routes is known in advance. The first request
/// of a bucket is sent alone; after it, as many as the bucket allows, in the order in which they came. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="requestsPerSecond">See <see cref="DiscordRestOptions.RequestsPerSecond"/>.</param>
internal sealed class RateLimits(TimeProvider time, int requestsPerSecond) : IDisposable
{
    // Conversations create and delete channels, so queues of old channels are removed now and then.
    private const int MaxQueues = 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Method, string Template, Snowflake Major), RateLimitQueue> _byRoute = [];
    private readonly Dictionary<(string Bucket, Snowflake Major), RateLimitQueue> _byBucket = [];
    private readonly Dictionary<(string Method, string Template), string> _buckets = [];
    private int _cleanAbove = MaxQueues;

    /// <summary>The limit over all routes.</summary>
    public GlobalLimit Global { get; } = new(time, requestsPerSecond);

    /// <summary>Waits until a request may be sent.</summary>
    /// <param name="route">Where the request goes.</param>
    /// <param name="deadline">When the caller stops waiting.</param>
    /// <param name="cancellationToken">Leaves the queue.</param>
    /// <returns>The request's slot. Dispose it after the request and its retries.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: the request would have to wait beyond the deadline.</exception>
    public async ValueTask<RateLimitSlot> Enter(Route route, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        RateLimitQueue queue;
        QueuedRequest? queued;
        lock (_gate)
        {
            queue = QueueOf(route);
            queue.Enter(deadline, out queued);
        }
        if (queued is not null) await Wait(queue, queued, cancellationToken).ConfigureAwait(false);
        return new RateLimitSlot(this, route, queue);
    }

    /// <summary>When a request that is made now could be sent, as far as is known; a time that is not in the future means at once.</summary>
    public DateTimeOffset AvailableAt(Route route)
    {
        lock (_gate)
        {
            var queue = Find(route)?.AvailableAt() ?? default;
            var global = Global.BlockedUntil;
            return queue > global ? queue : global;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var queue in _byRoute.Values) queue.Dispose();
        }
    }

    internal static ClusterException Exceeded(DateTimeOffset until, bool isForAllChannels = false) =>
        new(ErrorCode.UpstreamRateLimited, "Discord's rate limit does not allow this request in time.", until: until)
        {
            IsForOneBotOnly = !isForAllChannels,
        };

    internal void Update(RateLimitSlot slot, RateLimitHeaders headers)
    {
        lock (_gate)
        {
            slot.Queue.Update(headers);
            if (headers.Bucket is not { } bucket) return;
            _buckets[(slot.Route.Method.Method, slot.Route.Template)] = bucket;
            if (_byBucket.TryAdd((bucket, slot.Route.Major), slot.Queue)) return;
            var shared = _byBucket[(bucket, slot.Route.Major)];
            if (!ReferenceEquals(shared, slot.Queue)) shared.Update(headers, isOwn: false);
        }
    }

    internal void Block(RateLimitSlot slot, DateTimeOffset until)
    {
        lock (_gate) slot.Queue.Block(until);
    }

    /// <summary>Waits until the owner of a slot may send again.</summary>
    internal async ValueTask WaitToResend(RateLimitSlot slot, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        while (true)
        {
            DateTimeOffset next;
            lock (_gate)
            {
                if (slot.Queue.TryTakeAgain()) return;
                next = slot.Queue.NextAt();
            }
            if (next > deadline) throw Exceeded(next);
            var wait = next - time.GetUtcNow();
            // If it depends on requests under way, the time is unknown.
            await Task.Delay(wait > Pause ? wait : Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    internal void Release(RateLimitSlot slot)
    {
        lock (_gate)
        {
            slot.Queue.Release();
            // If two routes turned out to share a bucket, this route uses the older queue from now on; not before its own queue is empty, so that no order is
            // lost.
            if (!slot.Queue.IsIdle || FindByBucket(slot.Route) is not { } shared || ReferenceEquals(shared, slot.Queue)) return;
            _byRoute[Key(slot.Route)] = shared;
        }
    }

    private static (string, string, Snowflake) Key(Route route) => (route.Method.Method, route.Template, route.Major);

    private async Task Wait(RateLimitQueue queue, QueuedRequest queued, CancellationToken cancellationToken)
    {
        var left = queued.Deadline - time.GetUtcNow();
        try
        {
            await queued.Slot.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            lock (_gate)
            {
                // A slot that was granted at this very moment goes to the next request.
                if (!queue.Leave(queued) && queued.Slot.IsCompletedSuccessfully) queue.Release();
                if (e is TimeoutException) throw Exceeded(queue.AvailableAt());
            }
            throw;
        }
    }

    private RateLimitQueue QueueOf(Route route)
    {
        if (Find(route) is { } known) return known;
        RemoveExpired();
        var queue = FindByBucket(route) ?? new RateLimitQueue(time, _gate, route.IsOrdered);
        _byRoute[Key(route)] = queue;
        return queue;
    }

    private RateLimitQueue? Find(Route route) => _byRoute.GetValueOrDefault(Key(route));

    private RateLimitQueue? FindByBucket(Route route) =>
        _buckets.TryGetValue((route.Method.Method, route.Template), out var bucket) ? _byBucket.GetValueOrDefault((bucket, route.Major)) : null;

    private void RemoveExpired()
    {
        if (_byRoute.Count <= _cleanAbove) return;
        foreach (var (key, queue) in _byRoute.Where(entry => entry.Value.IsExpired).ToList())
        {
            _byRoute.Remove(key);
            queue.Dispose();
        }
        foreach (var (key, _) in _byBucket.Where(entry => entry.Value.IsExpired).ToList()) _byBucket.Remove(key);
        _cleanAbove = Math.Max(MaxQueues, 2 * _byRoute.Count);
    }
}

/// <summary>A request's permission to be sent, held until the request is complete.</summary>
internal sealed class RateLimitSlot(RateLimits limits, Route route, RateLimitQueue queue) : IDisposable
{
    private bool _isDisposed;

    public Route Route => route;

    internal RateLimitQueue Queue => queue;

    /// <summary>Takes over what a response says about the limit.</summary>
    public void Update(RateLimitHeaders headers) => limits.Update(this, headers);

    /// <summary>Discord answered 429: no request of this bucket is sent before <paramref name="until"/>.</summary>
    public void Block(DateTimeOffset until) => limits.Block(this, until);

    /// <summary>Waits until this request may be sent again. It stays ahead of all queued requests.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: that would be after <paramref name="deadline"/>.</exception>
    public ValueTask WaitToResend(DateTimeOffset deadline, CancellationToken cancellationToken) => limits.WaitToResend(this, deadline, cancellationToken);

    /// <summary>Passes the slot to the next request.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        limits.Release(this);
    }
}

/// <summary>What a response says about rate limits (Discord's API reference, "Rate Limits").</summary>
/// <param name="Bucket">Opaque id. Routes with the same bucket share their limit, per major id.</param>
/// <param name="Limit">Requests per window.</param>
/// <param name="Remaining">Requests that are left in this window.</param>
/// <param name="ResetAfter">Time until the next window.</param>
/// <param name="Scope"><c>user</c>, <c>global</c> or <c>shared</c>; on 429 only.</param>
/// <param name="RetryAfter">On 429 only.</param>
internal readonly record struct RateLimitHeaders(string? Bucket, int? Limit, int? Remaining, TimeSpan? ResetAfter, string? Scope, TimeSpan? RetryAfter)
{
    /// <summary>Whether the headers describe a window.</summary>
    public bool IsComplete => Limit is > 0 && Remaining is not null && ResetAfter is not null;

    /// <summary>Reads the headers. Those that are missing or malformed are null.</summary>
    public static RateLimitHeaders Read(HttpResponseHeaders headers)
    {
        var isGlobal = bool.TryParse(First(headers, "X-RateLimit-Global"), out var global) && global;
        return new RateLimitHeaders(
            First(headers, "X-RateLimit-Bucket"),
            Number(First(headers, "X-RateLimit-Limit")),
            Number(First(headers, "X-RateLimit-Remaining")),
            Seconds(First(headers, "X-RateLimit-Reset-After")),
            isGlobal ? "global" : First(headers, "X-RateLimit-Scope"),
            Seconds(First(headers, "Retry-After")));
    }

    /// <summary>A number of seconds as a time span of 0 to 24 hours; null for a negative number or none.</summary>
    public static TimeSpan? Seconds(double? seconds) =>
        seconds is >= 0 and <= double.MaxValue ? TimeSpan.FromSeconds(Math.Min(seconds.Value, TimeSpan.SecondsPerDay)) : null;

    private static TimeSpan? Seconds(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? Seconds(seconds) : null;

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? First(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
