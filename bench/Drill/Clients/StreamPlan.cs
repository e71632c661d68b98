namespace CozeCluster.Drill;

/// <summary>What one reply is made of and what will happen to it.</summary>
internal sealed record StreamPlan
{
    private const int LeastPaceMs = 40;

    /// <summary>Its number, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Directives for the fake Coze that decide the content.</summary>
    public required string Content { get; init; }

    /// <summary>Silence before anything is known of it: the chat has begun, and nobody here knows its id.</summary>
    public required TimeSpan FirstByte { get; init; }

    /// <summary>Time from one delta to the next.</summary>
    public required TimeSpan Pace { get; init; }

    /// <summary>When it is begun.</summary>
    public required TimeSpan Begin { get; init; }

    /// <summary>Whether it goes on without a client; otherwise it may be alone for 15 s.</summary>
    public required bool Survive { get; init; }

    /// <summary>The name of its conversation; null for none.</summary>
    public required string? Conversation { get; init; }

    /// <summary>When it is cancelled, from its begin; null for never.</summary>
    public required TimeSpan? CancelAfter { get; init; }

    /// <summary>Dice for cuts and pauses, its own, so that they do not depend on the order in which things happen.</summary>
    public required Random Random { get; init; }

    /// <summary>The prompt.</summary>
    public string Prompt => $"Reply {Index} [[{Content} pace={(int)Pace.TotalMilliseconds}ms first_byte={(int)FirstByte.TotalMilliseconds}ms]]";

    /// <summary>The same content at once.</summary>
    public string PromptAtOnce => $"Reply {Index} [[{Content}]]";

    /// <summary>The plans of a drill; the same seed gives the same.</summary>
    public static IReadOnlyList<StreamPlan> Make(DrillOptions options)
    {
        var random = new Random(options.Seed);
        var cancelled = Enumerable.Range(0, options.Streams).ToArray();
        random.Shuffle(cancelled);
        var cancels = cancelled[..Math.Min(options.Cancels, options.Streams)].ToHashSet();
        return [.. Enumerable.Range(0, options.Streams).Select(index => Make(index, options, cancels.Contains(index), random))];
    }

    private static StreamPlan Make(int index, DrillOptions options, bool cancel, Random random)
    {
        var pace = TimeSpan.FromMilliseconds(random.Next(LeastPaceMs, LeastPaceMs * 4));
        var deltas = Math.Max(4, (int)(options.Length / pace));
        var answers = index % 4 == 1 ? 1 + random.Next(1, 4) : 1;
        var reasoning = index % 4 == 2 ? deltas / 4 : 0;
        var content = $"text=unicode seed={random.Next(1, 1_000_000)} chunk={random.Next(1, 12)} chunks={(deltas - reasoning) / answers} answers={answers} followups={index % 4}";
        if (reasoning > 0) content += $" reasoning={reasoning}";
        if (index % 8 == 3) content += " tool=weather,time knowledge";
        if (index % 8 == 5) content += " torn newline=crlf";
        if (index % 8 == 7) content += " escape=ascii";
        // A text that was taken back while the node was dead cannot be told: only connections may break here. And what is cancelled may end before it.
        if (index % 16 == 4 && options.Kills == 0 && !cancel) content += " rewrite";
        return new StreamPlan
        {
            Index = index,
            Content = content,
            Pace = pace,
            FirstByte = TimeSpan.FromMilliseconds(random.Next(50, 1_000)),
            Begin = options.Ramp * random.NextDouble(),
            Survive = index % 3 == 0,
            Conversation = index % 5 == 0 ? $"drill-{index}" : null,
            CancelAfter = cancel ? options.Length * (0.1 + 0.7 * random.NextDouble()) : null,
            Random = new Random(random.Next()),
        };
    }
}
