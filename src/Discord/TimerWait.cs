namespace CozeCluster.Discord;

/// <summary>Waits as timers can keep them.</summary>
internal static class TimerWait
{
    /// <summary>
    /// The wait in whole milliseconds, never less than it was: timers drop what is behind them, so a loop that waits for what is left would run hot for the last part of a millisecond.
    /// </summary>
    public static TimeSpan Of(TimeSpan left) => TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
}
