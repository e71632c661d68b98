using System.Globalization;

namespace CozeCluster.DiscordDrill;

/// <summary>The median, the 95th percentile and the maximum of some durations.</summary>
internal sealed record DurationSummary(int Count, TimeSpan Median, TimeSpan P95, TimeSpan Max)
{
    /// <param name="durations">The durations; null values are ignored.</param>
    public static DurationSummary Of(IEnumerable<TimeSpan?> durations)
    {
        var sorted = durations.OfType<TimeSpan>().Order().ToList();
        return sorted.Count == 0 ? new(0, default, default, default) : new(sorted.Count, Quantile(sorted, 0.5), Quantile(sorted, 0.95), sorted[^1]);
    }

    public override string ToString() => Count == 0 ? "-" : $"p50 {Format(Median)}, p95 {Format(P95)}, most {Format(Max)}";

    public static string Format(TimeSpan time) => time.TotalSeconds < 1
        ? time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture) + " ms"
        : time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s";

    private static TimeSpan Quantile(List<TimeSpan> sorted, double fraction) => sorted[(int)Math.Ceiling(fraction * sorted.Count) - 1];
}
