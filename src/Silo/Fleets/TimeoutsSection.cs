namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>timeouts</c>, the fleet's or a bot's.</summary>
internal static class TimeoutsSection
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Most = TimeSpan.FromHours(24);

    /// <param name="field">The section; it may be absent.</param>
    /// <param name="defaults">What it leaves out.</param>
    public static TurnTimeouts Read(Field field, TurnTimeouts defaults) => field.Map(map => Timeouts(map, defaults)) ?? defaults;

    private static TurnTimeouts Timeouts(MapReader map, TurnTimeouts defaults)
    {
        var firstByte = map.Optional("first_byte");
        var idle = map.Optional("idle");
        var total = map.Optional("total");
        var timeouts = new TurnTimeouts(
            firstByte.Time(Least, Most) ?? defaults.FirstByte,
            idle.Time(Least, Most) ?? defaults.Idle,
            total.Time(Least, Most) ?? defaults.Total);

        // A shorter total makes inherited waits pointless, not wrong; only what was written here is held against it.
        if (firstByte.Exists && timeouts.FirstByte > timeouts.Total) firstByte.Report($"This is longer than the total, {Duration.Format(timeouts.Total)}.");
        if (idle.Exists && timeouts.Idle > timeouts.Total) idle.Report($"This is longer than the total, {Duration.Format(timeouts.Total)}.");
        return timeouts;
    }
}
