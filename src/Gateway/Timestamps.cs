namespace CozeCluster.Gateway;

/// <summary>Adds durations to the timestamps of a <see cref="TimeProvider"/>.</summary>
internal static class Timestamps
{
    /// <summary>The timestamp that is <paramref name="delay"/> after now.</summary>
    public static long FromNow(this TimeProvider time, TimeSpan delay) => time.Add(time.GetTimestamp(), delay);

    /// <summary>The timestamp that is <paramref name="delay"/> after <paramref name="timestamp"/>.</summary>
    public static long Add(this TimeProvider time, long timestamp, TimeSpan delay) => timestamp + (long)(delay.TotalSeconds * time.TimestampFrequency);
}
