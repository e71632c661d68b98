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

    /// <summary>The number of latest replies in a row that ended with buttons.</summary>
    public int ButtonsInARow { get; set; }

    /// <summary>The number of latest replies in a row whose buttons did not come.</summary>
    public int UnfinishedInARow { get; set; }

    /// <summary>Whether a reply was seen to end without buttons.</summary>
    public bool EndedWithoutButtons { get; set; }
}

/// <summary>
/// Learns from a bot's latest replies how long it pauses, and whether its replies end with buttons. The longest of the latest pauses counts, not a usual one:
/// a reply that ends late is better than one that was cut short and looks complete.
/// </summary>
internal readonly struct Cadence(CadenceState state)
{
    /// <summary>A bot that was seen to end without buttons has to end with them this often before they are waited for again.</summary>
    private const int MinButtonsInARow = 20;

    /// <summary>After this many replies without the expected buttons, the bot counts as one that ends without them.</summary>
    private const int MaxUnfinishedInARow = 3;

    private const int MaxSamples = 64;
    private const double WideningPerCut = 1.5;
    private const double MaxWidening = 4;
    private const double NarrowingPerReply = 0.97;

    /// <summary>What was learned; null before the first reply.</summary>
    public ReplyCadence? Result => state.Replies == 0
        ? null
        : new(state.Replies, Longest(state.FirstGaps), Longest(state.LaterGaps), Math.Max(1, state.Widening))
        {
            EndsWithButtons = state.ButtonsInARow >= (state.EndedWithoutButtons ? MinButtonsInARow : 1),
        };

    /// <summary>Adds one reply.</summary>
    public void Add(ReplySample sample)
    {
        AddEnding(sample.Ending);
        // Its last pause is not over.
        if (sample.Ending == ReplyEnding.Unfinished) return;
        state.Replies = Math.Min(state.Replies + 1, int.MaxValue - 1);
        AddGap(state.FirstGaps, sample.FirstGap);
        AddGap(state.LaterGaps, sample.LaterGap);
        var widening = Math.Max(1, state.Widening);
        state.Widening = sample.WasCut ? Math.Min(MaxWidening, widening * WideningPerCut) : Math.Max(1, widening * NarrowingPerReply);
    }

    private void AddEnding(ReplyEnding ending)
    {
        if (ending == ReplyEnding.Unfinished && ++state.UnfinishedInARow >= MaxUnfinishedInARow) ending = ReplyEnding.Silence;
        switch (ending)
        {
            case ReplyEnding.Buttons:
                state.UnfinishedInARow = 0;
                state.ButtonsInARow = Math.Min(state.ButtonsInARow + 1, MinButtonsInARow);
                if (state.ButtonsInARow == MinButtonsInARow) state.EndedWithoutButtons = false;
                break;
            case ReplyEnding.Silence:
                (state.UnfinishedInARow, state.ButtonsInARow, state.EndedWithoutButtons) = (0, 0, true);
                break;
        }
    }

    private static void AddGap(List<int> gaps, TimeSpan? gap)
    {
        if (gap is null) return;
        gaps.Add((int)Math.Min(gap.Value.TotalMilliseconds, int.MaxValue));
        if (gaps.Count > MaxSamples) gaps.RemoveAt(0);
    }

    private static TimeSpan Longest(List<int> gaps) => gaps.Count == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(gaps.Max());
}
