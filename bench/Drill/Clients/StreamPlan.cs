namespace CozeCluster.Drill;

/// <summary>The content of one reply, and what will happen to it.</summary>
internal sealed record StreamPlan
{
    private const int MinPaceMs = 40;

    // Bots on Discord edit their message a few times a second at most.
    private const int MinEditPauseMs = 400;
    private static readonly string[] Signs = ["", ".", "–größer", "你好,", "世界。\\n", "🚀", "👩‍👩‍👧", "e\u0301", "שלום", "𝔘𝔫𝔦"];

    /// <summary>The number of the reply, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The directives for the sandbox that determine the content.</summary>
    public required string Content { get; init; }

    /// <summary>The silence before the first byte. The chat has begun, and the node does not know its id yet.</summary>
    public required TimeSpan FirstByte { get; init; }

    /// <summary>The time between two deltas or edits.</summary>
    public required TimeSpan Pace { get; init; }

    /// <summary>When the request is sent, from the start of the drill.</summary>
    public required TimeSpan Begin { get; init; }

    /// <summary>Whether the turn survives without a client. Otherwise it is cancelled after 15 s without one.</summary>
    public required bool Survive { get; init; }

    /// <summary>The name of the conversation; null for none.</summary>
    public required string? Conversation { get; init; }

    /// <summary>When the turn is cancelled, from the request; null for never.</summary>
    public required TimeSpan? CancelAfter { get; init; }

    /// <summary>Random numbers for cuts and pauses. Each plan has its own, so that they do not depend on the order in which clients run.</summary>
    public required Random Random { get; init; }

    /// <summary>The prompt.</summary>
    public string Prompt => $"Reply {Index} [[{Content} pace={(int)Pace.TotalMilliseconds}ms first_byte={(int)FirstByte.TotalMilliseconds}ms]]";

    /// <summary>A prompt with the same reply, without pauses.</summary>
    public string PromptWithoutPauses => $"Reply {Index} [[{Content}]]";

    /// <summary>Creates the plans of a drill. The same seed gives the same plans.</summary>
    public static IReadOnlyList<StreamPlan> CreateAll(DrillOptions options)
    {
        var random = new Random(options.Seed);
        var indices = Enumerable.Range(0, options.Streams).ToArray();
        random.Shuffle(indices);
        var cancelled = indices[..Math.Min(options.Cancels, options.Streams)].ToHashSet();
        return [.. Enumerable.Range(0, options.Streams).Select(index => Create(index, options, cancelled.Contains(index), random))];
    }

    private static StreamPlan Create(int index, DrillOptions options, bool cancel, Random random)
    {
        var minPause = options.Discord ? MinEditPauseMs : MinPaceMs;
        var pace = TimeSpan.FromMilliseconds(random.Next(minPause, minPause * 4));
        var deltas = Math.Max(4, (int)(options.Length / pace));
        return new StreamPlan
        {
            Index = index,
            Content = options.Discord
                ? DiscordContent(index, deltas, random)
                : CozeContent(index, deltas, random, rewrites: options.Kills == 0 && !cancel),
            Pace = pace,
            FirstByte = TimeSpan.FromMilliseconds(random.Next(50, 1_000)),
            Begin = options.Ramp * random.NextDouble(),
            Survive = index % 3 == 0,
            // A named conversation keeps its channel on Discord, and the drill checks that all channels are deleted.
            Conversation = index % 5 == 0 && !options.Discord ? $"drill-{index}" : null,
            CancelAfter = cancel ? options.Length * (0.1 + 0.7 * random.NextDouble()) : null,
            Random = new Random(random.Next()),
        };
    }

    private static string CozeContent(int index, int deltas, Random random, bool rewrites)
    {
        var answers = index % 4 == 1 ? 1 + random.Next(1, 4) : 1;
        var reasoning = index % 4 == 2 ? deltas / 4 : 0;
        var content = $"text=unicode seed={random.Next(1, 1_000_000)} chunk={random.Next(1, 12)} chunks={(deltas - reasoning) / answers}"
            + $" answers={answers} followups={index % 4}";
        if (reasoning > 0) content += $" reasoning={reasoning}";
        if (index % 8 == 3) content += " tool=weather,time knowledge";
        if (index % 8 == 5) content += " torn newline=crlf";
        if (index % 8 == 7) content += " escape=ascii";
        // A client cannot be notified of text that was rewritten while the node was down, and a cancelled reply may end before the rewrite.
        if (index % 16 == 4 && rewrites) content += " rewrite";
        return content;
    }

    /// <summary>Words that contain the number of their reply, or a reply that continues in further messages. A reply without buttons ends by silence.</summary>
    private static string DiscordContent(int index, int edits, Random random)
    {
        // The last word has no sign, because Discord removes white space at the end of a message.
        var words = Enumerable.Range(1, 60).Select(word => $"{index}.{word}{Signs[random.Next(Signs.Length)]}").Append("end");
        var text = index % 3 == 1 ? $"length={random.Next(2_100, 5_000)} text=unicode" : $"say=\"{string.Join(' ', words)}\"";
        return $"{text} chunks={edits} buttons={index % 4}";
    }
}
