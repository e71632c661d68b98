namespace CozeCluster.Discord;

/// <summary>So many in any stretch of time of that length. Not thread-safe.</summary>
/// <param name="count">At least 1.</param>
/// <param name="length">The stretch.</param>
internal sealed class SlidingWindow(int count, TimeSpan length)
{
    // The last ones; the oldest is next.
    private readonly DateTimeOffset[] _times = new DateTimeOffset[count];
    private int _next;

    /// <summary>When the next one may be, not before <paramref name="earliest"/>.</summary>
    public DateTimeOffset NextAt(DateTimeOffset earliest) => _times[_next] + length is var at && at > earliest ? at : earliest;

    /// <summary>Counts one at that time.</summary>
    public void Add(DateTimeOffset at)
    {
        _times[_next] = at;
        _next = (_next + 1) % count;
    }
}
