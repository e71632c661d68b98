using System.Globalization;

namespace CozeCluster.DiscordDrill;

/// <summary>Durations at their median, 95th percentile and most.</summary>
internal sealed record Spread(int Count, TimeSpan Median, TimeSpan P95, TimeSpan Most)
{
    public static Spread Of(IEnumerable<TimeSpan> durations)
    {
        var sorted = durations.Order().ToList();
        return sorted.Count == 0 ? new(0, default, default, default) : new(sorted.Count, At(sorted, 0.5), At(sorted, 0.95), sorted[^1]);
    }

    public override string ToString() => Count == 0 ? "-" : $"p50 {Text(Median)}, p95 {Text(P95)}, most {Text(Most)}";

    public static string Text(TimeSpan time) => time.TotalSeconds < 1
        ? time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture) + " ms"
        : time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s";

    private static TimeSpan At(List<TimeSpan> sorted, double part) => sorted[(int)Math.Ceiling(part * sorted.Count) - 1];
}
