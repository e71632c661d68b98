namespace CozeCluster.Grains;

/// <summary>
/// What was used within the last minute, by seconds. It counts the current second and the sixty before it, so no minute ever has more than the limit.
/// </summary>
internal sealed class MinuteWindow(TimeProvider time)
{
    private const int Seconds = 61;

    private readonly long[] _used = new long[Seconds];
    private readonly long _start = time.GetTimestamp();
    private long _second;
    private long _sum;

    /// <summary>What was used, 0 or more.</summary>
    public long Used
    {
        get
        {
            Advance();
            return Math.Max(_sum, 0);
        }
    }

    /// <summary>The second that runs, for <see cref="Correct"/>.</summary>
    public long Second
    {
        get
        {
            Advance();
            return _second;
        }
    }

    /// <summary>Counts what is used now.</summary>
    public void Add(long amount)
    {
        Advance();
        _used[_second % Seconds] += amount;
        _sum += amount;
    }

    /// <summary>Corrects what was counted in a second, if that second still counts.</summary>
    public void Correct(long second, long difference)
    {
        Advance();
        if (second <= _second - Seconds) return;
        _used[second % Seconds] += difference;
        _sum += difference;
    }

    /// <summary>The time until an amount fits under a limit, if nothing more is used. An amount above the limit needs the whole minute.</summary>
    public TimeSpan TimeUntilFits(long amount, long limit)
    {
        Advance();
        var left = _sum;
        for (var passed = 0; passed < Seconds; passed++)
        {
            if (left <= 0 || left + amount <= limit) return Passed(passed);
            left -= _used[(_second + 1 + passed) % Seconds];
        }
        return Passed(Seconds);
    }

    /// <summary>The time until nothing counts, if nothing more is used.</summary>
    public TimeSpan TimeUntilEmpty() => Used == 0 ? TimeSpan.Zero : TimeUntilFits(1, 0);

    private TimeSpan Passed(int seconds) => seconds == 0 ? TimeSpan.Zero
        : TimeSpan.FromSeconds(_second + seconds) - time.GetElapsedTime(_start);

    private void Advance()
    {
        var now = (long)time.GetElapsedTime(_start).TotalSeconds;
        for (var steps = Math.Min(now - _second, Seconds); steps > 0; steps--)
        {
            var oldest = (now - steps + 1) % Seconds;
            _sum -= _used[oldest];
            _used[oldest] = 0;
        }
        _second = now;
    }
}
