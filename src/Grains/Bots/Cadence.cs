namespace CozeCluster.Grains;

/// <summary>The stored form of a bot's cadence: the pauses in its latest replies.</summary>
public sealed class CadenceState
{
    /// <summary>The number of observed replies, with or without pauses.</summary>
    public int Replies { get; set; }

    /// <summary>The first pause of each of the latest replies that had one, in milliseconds.</summary>
    public List<int> FirstGaps { get; set; } = [];

    /// <summary>The longest later pause of each of the latest replies that had one, in milliseconds.</summary>
    public List<int> LaterGaps { get; set; } = [];

    /// <summary>See <see cref="ReplyCadence.Widening"/>.</summary>
    public double Widening { get; set; } = 1;
}

/// <summary>
/// Learns from replies which pause hardly any reply exceeds: the 95th percentile of the latest replies, which is the longest pause if there are fewer than 20.
/// </summary>
internal readonly struct Cadence(CadenceState state)
{
    /// <summary>The number of replies that are needed before there is a result.</summary>
    public const int MinReplies = 5;

    private const int MaxSamples = 64;
    private const double Percentile = 0.95;
    private const double WideningPerCut = 1.5;
    private const double MaxWidening = 4;
    private const double NarrowingPerReply = 0.97;

    /// <summary>The learned cadence; null while there are too few replies.</summary>
    public ReplyCadence? Result => state.Replies < MinReplies
        ? null
        : new(state.Replies, HighGap(state.FirstGaps), HighGap(state.LaterGaps), Math.Max(1, state.Widening));

    /// <summary>Adds one reply. A reply that was considered complete too early is added a second time, with the pause that was misread.</summary>
    public void Add(ReplySample sample)
    {
        state.Replies = Math.Min(state.Replies + 1, int.MaxValue - 1);
        AddGap(state.FirstGaps, sample.FirstGap);
        AddGap(state.LaterGaps, sample.LaterGap);
        var widening = Math.Max(1, state.Widening);
        state.Widening = sample.WasCut ? Math.Min(MaxWidening, widening * WideningPerCut) : Math.Max(1, widening * NarrowingPerReply);
    }

    private static void AddGap(List<int> gaps, TimeSpan? gap)
    {
        if (gap is null) return;
        gaps.Add((int)Math.Min(gap.Value.TotalMilliseconds, int.MaxValue));
        if (gaps.Count > MaxSamples) gaps.RemoveAt(0);
    }

    private static TimeSpan HighGap(List<int> gaps) =>
        gaps.Count == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(gaps.Order().ElementAt((int)Math.Ceiling(Percentile * gaps.Count) - 1));
}
