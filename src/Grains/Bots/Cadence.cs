namespace CozeCluster.Grains;

/// <summary>How a bot's replies came in lately.</summary>
public sealed class CadenceState
{
    /// <summary>Replies seen, whether they had pauses or not.</summary>
    public int Replies { get; set; }

    /// <summary>Milliseconds of the first pause of each of the latest replies that had one.</summary>
    public List<int> FirstGaps { get; set; } = [];

    /// <summary>Milliseconds of the longest later pause of each of the latest replies that had one.</summary>
    public List<int> LaterGaps { get; set; } = [];

    /// <summary>How much more is waited because replies were cut.</summary>
    public double Widening { get; set; } = 1;
}

/// <summary>Learns from replies which pauses hardly any exceeds: the longest of a few, all but the longest twentieth of many.</summary>
internal readonly struct Cadence(CadenceState state)
{
    /// <summary>So few replies teach nothing yet.</summary>
    public const int Few = 5;

    private const int Kept = 64;
    private const double Quantile = 0.95;
    private const double WiderByCut = 1.5;
    private const double Widest = 4;
    private const double Narrowing = 0.97;

    /// <summary>What was learnt; null while that is nothing yet.</summary>
    public ReplyCadence? Learnt => state.Replies < Few ? null : new(state.Replies, High(state.FirstGaps), High(state.LaterGaps), Math.Max(1, state.Widening));

    /// <summary>Learns from one more reply. One that was cut counts a second time, with the pause that was misread.</summary>
    public void Add(ReplySample sample)
    {
        state.Replies = Math.Min(state.Replies + 1, int.MaxValue - 1);
        Keep(state.FirstGaps, sample.FirstGap);
        Keep(state.LaterGaps, sample.LaterGap);
        state.Widening = sample.WasCut ? Math.Min(Widest, Math.Max(1, state.Widening) * WiderByCut) : Math.Max(1, state.Widening * Narrowing);
    }

    private static void Keep(List<int> gaps, TimeSpan? gap)
    {
        if (gap is null) return;
        gaps.Add((int)Math.Min(gap.Value.TotalMilliseconds, int.MaxValue));
        if (gaps.Count > Kept) gaps.RemoveAt(0);
    }

    private static TimeSpan High(List<int> gaps) =>
        gaps.Count == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(gaps.Order().ElementAt((int)Math.Ceiling(Quantile * gaps.Count) - 1));
}
