namespace CozeCluster.Migration.Sources;

/// <summary>Writes durations as fleet files have them.</summary>
internal static class Durations
{
    /// <summary>A duration in seconds, within limits.</summary>
    public static FleetValue Seconds(long seconds, long min, long max) => FleetValue.Plain(Text(Math.Clamp(seconds, min, max)));

    private static string Text(long seconds) =>
        seconds > 0 && seconds % 86400 == 0 ? $"{seconds / 86400}d"
        : seconds > 0 && seconds % 3600 == 0 ? $"{seconds / 3600}h"
        : seconds > 0 && seconds % 60 == 0 ? $"{seconds / 60}m"
        : $"{seconds}s";
}
