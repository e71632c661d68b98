namespace CozeCluster.Gateway;

/// <summary>Reckons with the timestamps of a clock.</summary>
internal static class Timestamps
{
    /// <summary>The timestamp that is <paramref name="by"/> later than now.</summary>
    public static long FromNow(this TimeProvider time, TimeSpan by) => time.Later(time.GetTimestamp(), by);

    /// <summary>The timestamp that is <paramref name="by"/> later than another.</summary>
    public static long Later(this TimeProvider time, long timestamp, TimeSpan by) => timestamp + (long)(by.TotalSeconds * time.TimestampFrequency);
}
