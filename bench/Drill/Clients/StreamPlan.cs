namespace CozeCluster.Drill;

/// <summary>What one reply is made of and what will happen to it.</summary>
internal sealed record StreamPlan
{
    private const int LeastPaceMs = 40;

    // Bots on Discord edit their message a few times in a second at most.
    private const int LeastEditMs = 400;
    private static readonly string[] Signs = ["", ".", "–größer", "你好,", "世界。\\n", "🚀", "👩‍👩‍👧", "e\u0301", "שלום", "𝔘𝔫𝔦"];

    /// <summary>Its number, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Directives for the fake that decide the content.</summary>
    public required string Content { get; init; }

    /// <summary>Silence before anything is known of it: the chat has begun, and nobody here knows its id.</summary>
    public required TimeSpan FirstByte { get; init; }

    /// <summary>Time from one delta, or edit, to the next.</summary>
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
        var least = options.Discord ? LeastEditMs : LeastPaceMs;
        var pace = TimeSpan.FromMilliseconds(random.Next(least, least * 4));
        var deltas = Math.Max(4, (int)(options.Length / pace));
        return new StreamPlan
        {
            Index = index,
            Content = options.Discord ? OnDiscord(index, deltas, random) : OnCoze(index, deltas, random, rewrites: options.Kills == 0 && !cancel),
            Pace = pace,
            FirstByte = TimeSpan.FromMilliseconds(random.Next(50, 1_000)),
            Begin = options.Ramp * random.NextDouble(),
            Survive = index % 3 == 0,
            // On Discord a named conversation keeps its channel, and all are to be gone in the end.
            Conversation = index % 5 == 0 && !options.Discord ? $"drill-{index}" : null,
            CancelAfter = cancel ? options.Length * (0.1 + 0.7 * random.NextDouble()) : null,
            Random = new Random(random.Next()),
        };
    }

    private static string OnCoze(int index, int deltas, Random random, bool rewrites)
    {
        var answers = index % 4 == 1 ? 1 + random.Next(1, 4) : 1;
        var reasoning = index % 4 == 2 ? deltas / 4 : 0;
        var content = $"text=unicode seed={random.Next(1, 1_000_000)} chunk={random.Next(1, 12)} chunks={(deltas - reasoning) / answers} answers={answers} followups={index % 4}";
        if (reasoning > 0) content += $" reasoning={reasoning}";
        if (index % 8 == 3) content += " tool=weather,time knowledge";
        if (index % 8 == 5) content += " torn newline=crlf";
        if (index % 8 == 7) content += " escape=ascii";
        // A text that was taken back while the node was dead cannot be told: only connections may break here. And what is cancelled may end before it.
        if (index % 16 == 4 && rewrites) content += " rewrite";
        return content;
    }

    /// <summary>Words that tell whose they are, or a reply that goes on in further messages. Where there are no buttons, it ends by silence.</summary>
    private static string OnDiscord(int index, int edits, Random random)
    {
        // The last word is plain: Discord keeps no blank at the end of a message.
        var words = Enumerable.Range(1, 60).Select(word => $"{index}.{word}{Signs[random.Next(Signs.Length)]}").Append("end");
        var text = index % 3 == 1 ? $"length={random.Next(2_100, 5_000)} text=unicode" : $"say=\"{string.Join(' ', words)}\"";
        return $"{text} chunks={edits} buttons={index % 4}";
    }
}
