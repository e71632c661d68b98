namespace CozeCluster.Discord;

/// <summary>
/// Whose turn it is to identify: of one bot's shards, those whose number is the same modulo the allowed concurrency go one by one, five seconds apart
/// (Discord's gateway reference, "Max Concurrency"). One per bot and process. Thread-safe.
/// </summary>
internal sealed class IdentifyTurns(TimeProvider time)
{
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(5_100);

    private readonly Lock _gate = new();
    private readonly Dictionary<int, DateTimeOffset> _next = [];

    /// <summary>Waits for the shard's turn.</summary>
    public async ValueTask Wait(int shard, int maxConcurrency, CancellationToken cancellationToken)
    {
        DateTimeOffset at;
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var key = shard % Math.Max(1, maxConcurrency);
            at = _next.TryGetValue(key, out var next) && next > now ? next : now;
            _next[key] = at + Apart;
        }
        if (at > now) await Task.Delay(at - now, time, cancellationToken).ConfigureAwait(false);
    }
}
