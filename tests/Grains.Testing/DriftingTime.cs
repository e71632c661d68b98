using CozeCluster.TestKit;

namespace CozeCluster.Grains.Testing;

/// <summary>
/// A manual clock that advances by 1 µs with each reading after it was read ten thousand times without being moved. Orleans waits for a time by delays of whole
/// milliseconds, and reads the clock after each delay. Without this, it would wait for the last fraction of a millisecond forever.
/// </summary>
internal sealed class DriftingTime(ManualTime inner) : TimeProvider
{
    private readonly Lock _gate = new();
    private DateTimeOffset _last;
    private int _readings;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            var now = inner.GetUtcNow();
            if (now != _last) (_last, _readings) = (now, 0);
            return now.AddMicroseconds(Math.Max(0, ++_readings - 10_000));
        }
    }

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);
}
