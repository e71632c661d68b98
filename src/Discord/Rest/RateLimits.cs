namespace CozeCluster.Discord;

/// <summary>
/// Discord's limits of one token, learnt from its answers: nothing about routes is known beforehand, as its documentation asks. The first request of a bucket goes alone; then as many
/// as the bucket takes, in the order they came. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="requestsPerSecond">See <see cref="DiscordRestOptions.RequestsPerSecond"/>.</param>
internal sealed class RateLimits(TimeProvider time, int requestsPerSecond) : IDisposable
{
    // Channels come and go.
    private const int SweepAbove = 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Method, string Template, Snowflake Major), RateLane> _byRoute = [];
    private readonly Dictionary<(string Bucket, Snowflake Major), RateLane> _byBucket = [];
    private readonly Dictionary<(string Method, string Template), string> _buckets = [];
    private int _sweepAbove = SweepAbove;

    /// <summary>The limit over all routes.</summary>
    public GlobalLimit Global { get; } = new(time, requestsPerSecond);

    /// <summary>Waits for a place.</summary>
    /// <param name="route">Where the request goes.</param>
    /// <param name="deadline">How long the caller would wait.</param>
    /// <param name="cancellationToken">Gives up the place in the queue.</param>
    /// <returns>To be disposed of when the request is done, its retries included.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: the place would come too late.</exception>
    public async ValueTask<RatePass> Enter(Route route, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        RateLane lane;
        RateWaiter? waiter;
        lock (_gate)
        {
            lane = LaneOf(route);
            lane.Enter(deadline, out waiter);
        }
        if (waiter is not null) await Wait(lane, waiter, cancellationToken).ConfigureAwait(false);
        return new RatePass(this, route, lane);
    }

    /// <summary>When a request made now could be sent, as far as is known; now or earlier: at once.</summary>
    public DateTimeOffset FreeAt(Route route)
    {
        lock (_gate)
        {
            var lane = Find(route)?.FreeAt() ?? default;
            var global = Global.BlockedUntil;
            return lane > global ? lane : global;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
            foreach (var lane in _byRoute.Values) lane.Dispose();
    }

    internal static ClusterException TooLate(DateTimeOffset until) =>
        new(ErrorCode.UpstreamRateLimited, "Discord's rate limit leaves no room for this request in time.", until: until);

    internal void Learn(RatePass pass, RateHeaders headers)
    {
        lock (_gate)
        {
            pass.Lane.Learn(headers);
            if (headers.Bucket is not { } bucket) return;
            _buckets[(pass.Route.Method.Method, pass.Route.Template)] = bucket;
            if (!_byBucket.TryAdd((bucket, pass.Route.Major), pass.Lane) && _byBucket[(bucket, pass.Route.Major)] is var shared && !ReferenceEquals(shared, pass.Lane))
                shared.Learn(headers, isOwn: false);
        }
    }

    internal void Block(RatePass pass, DateTimeOffset until)
    {
        lock (_gate) pass.Lane.Block(until);
    }

    /// <summary>Waits until the holder of a place may send again.</summary>
    internal async ValueTask Again(RatePass pass, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        while (true)
        {
            DateTimeOffset next;
            lock (_gate)
            {
                if (pass.Lane.TryTakeAgain()) return;
                next = pass.Lane.NextAt();
            }
            if (next > deadline) throw TooLate(next);
            var wait = next - time.GetUtcNow();
            // Where it depends on others under way no time is known.
            await Task.Delay(wait > Pause ? wait : Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    internal void Exit(RatePass pass)
    {
        lock (_gate)
        {
            pass.Lane.Exit();
            // Two routes turned out to be one bucket: meet in the older lane once nobody stands in this one, so that no order is lost.
            if (!pass.Lane.IsIdle || BucketLane(pass.Route) is not { } shared || ReferenceEquals(shared, pass.Lane)) return;
            _byRoute[Key(pass.Route)] = shared;
        }
    }

    private static (string, string, Snowflake) Key(Route route) => (route.Method.Method, route.Template, route.Major);

    private async Task Wait(RateLane lane, RateWaiter waiter, CancellationToken cancellationToken)
    {
        var left = waiter.Deadline - time.GetUtcNow();
        try
        {
            await waiter.Place.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            lock (_gate)
            {
                // Granted in this very moment: pass it on.
                if (!lane.Leave(waiter) && waiter.Place.IsCompletedSuccessfully) lane.Exit();
                if (e is TimeoutException) throw TooLate(lane.FreeAt());
            }
            throw;
        }
    }

    private RateLane LaneOf(Route route)
    {
        if (Find(route) is { } known) return known;
        Sweep();
        var lane = BucketLane(route) ?? new RateLane(time, _gate, route.IsOrdered);
        _byRoute[Key(route)] = lane;
        return lane;
    }

    private RateLane? Find(Route route) => _byRoute.GetValueOrDefault(Key(route));

    private RateLane? BucketLane(Route route) =>
        _buckets.TryGetValue((route.Method.Method, route.Template), out var bucket) ? _byBucket.GetValueOrDefault((bucket, route.Major)) : null;

    private void Sweep()
    {
        if (_byRoute.Count <= _sweepAbove) return;
        foreach (var (key, lane) in _byRoute.Where(entry => entry.Value.IsForgettable).ToList())
        {
            _byRoute.Remove(key);
            lane.Dispose();
        }
        foreach (var (key, _) in _byBucket.Where(entry => entry.Value.IsForgettable).ToList()) _byBucket.Remove(key);
        _sweepAbove = Math.Max(SweepAbove, 2 * _byRoute.Count);
    }
}

/// <summary>A place in a bucket, held until the request is done.</summary>
internal sealed class RatePass(RateLimits limits, Route route, RateLane lane) : IDisposable
{
    private bool _isDone;

    public Route Route => route;

    internal RateLane Lane => lane;

    /// <summary>Takes in what an answer said.</summary>
    public void Learn(RateHeaders headers) => limits.Learn(this, headers);

    /// <summary>Discord refused: nobody gets through this bucket before <paramref name="until"/>.</summary>
    public void Block(DateTimeOffset until) => limits.Block(this, until);

    /// <summary>Waits until this request may be sent again; it keeps its place before all others.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: that would be after <paramref name="deadline"/>.</exception>
    public ValueTask Again(DateTimeOffset deadline, CancellationToken cancellationToken) => limits.Again(this, deadline, cancellationToken);

    /// <summary>Gives the place to the next.</summary>
    public void Dispose()
    {
        if (_isDone) return;
        _isDone = true;
        limits.Exit(this);
    }
}
