namespace CozeCluster.Discord;

/// <summary>
/// Splits a text into messages that Discord takes. Counted in UTF-16 units; no surrogate pair is cut; cuts are made behind a line, else behind a word, where one is near enough;
/// a code fence is put whole into the next message if it fits there, else closed and opened again.
/// </summary>
internal static class MessageSplitter
{
    /// <summary>Splits.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="reserve">Units kept free in the last part, for a mention; 0 to half of <paramref name="limit"/>.</param>
    /// <param name="limit">Units of a part, at least 16.</param>
    /// <returns>At least one part; none but a single one is blank. Joined they are the text, but for fences closed and opened again, and blanks at the end and blank parts left out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Reserve or limit is.</exception>
    public static IReadOnlyList<string> Split(string text, int reserve = 0, int limit = DiscordLimits.MessageUnits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 16);
        ArgumentOutOfRangeException.ThrowIfNegative(reserve);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reserve, limit / 2);
        if (text.Length <= limit - reserve) return [text];

        // Discord drops blanks at the end anyway, and a last part of nothing else could not hold what room is reserved for.
        text = text.TrimEnd();
        var parts = new List<string>();
        foreach (var piece in Pieces(text, reserve, limit))
        {
            var body = text.AsSpan(piece.Start, piece.Length);
            if (!body.IsWhiteSpace()) parts.Add($"{piece.Prefix}{body}{piece.Suffix}");
        }
        return parts.Count == 0 ? [""] : parts;
    }

    /// <summary>Where the text is cut: the pieces cover it without gaps.</summary>
    internal static IEnumerable<TextPiece> Pieces(string text, int reserve, int limit)
    {
        var fences = CodeFences.In(text);
        var start = 0;
        var prefix = "";
        while (prefix.Length + text.Length - start > limit - reserve)
        {
            var (end, fence) = Cut(text, start, prefix.Length, reserve, limit, fences);
            var suffix = fence is null ? "" : text[end - 1] == '\n' ? CodeFences.Mark : "\n" + CodeFences.Mark;
            yield return new TextPiece(start, end - start, prefix, suffix);
            start = end;
            prefix = fence is { } open ? CodeFences.Opening(text, open) : "";
        }
        yield return new TextPiece(start, text.Length - start, prefix, "");
    }

    /// <summary>The end of the part that begins at <paramref name="start"/>, and the fence it cuts, if it has to.</summary>
    private static (int End, CodeFence? Fence) Cut(string text, int start, int prefix, int reserve, int limit, IReadOnlyList<CodeFence> fences)
    {
        var fits = text.Length - start + prefix <= limit;
        var most = start + limit - prefix - (fits ? reserve : 0);
        var end = Border(text, start, most);
        if (FenceAt(end) is not { } fence) return (end, null);
        if (fence.End <= most) return (fence.End, null);

        var isWorthKeeping = fence.Length <= limit - reserve && fence.Start - start >= limit / 8;
        if (fence.Start > start && (isWorthKeeping || end <= fence.BodyStart)) return (fence.Start, null);

        // The cut is in the fence: behind its opening line, with room for a closing mark on a line of its own.
        var from = Math.Max(start, fence.BodyStart);
        var room = most - CodeFences.Mark.Length - 1;
        if (room - from >= limit / 4 && CodeFences.Opening(text, fence).Length <= limit / 4) return (Border(text, from, room), fence);
        // It begins near the end; or opening it again would take up the next part.
        return (fence.Start > start ? fence.Start : end, null);

        CodeFence? FenceAt(int index)
        {
            foreach (var candidate in fences)
                if (candidate.Start < index && index < candidate.End) return candidate;
            return null;
        }
    }

    /// <summary>The best place to cut in the second half of (start, most]: behind a line, else behind a blank, else at the end.</summary>
    private static int Border(string text, int start, int most)
    {
        var from = start + (most - start) / 2;
        var tail = text.AsSpan(from, most - from);
        var line = tail.LastIndexOf('\n');
        if (line >= 0) return from + line + 1;
        for (var index = tail.Length - 1; index >= 0; index--)
            if (char.IsWhiteSpace(tail[index])) return from + index + 1;
        return char.IsHighSurrogate(text[most - 1]) && most < text.Length && char.IsLowSurrogate(text[most]) && most - 1 > start ? most - 1 : most;
    }
}

/// <summary>A stretch of a text, with what is written before and behind it.</summary>
internal readonly record struct TextPiece(int Start, int Length, string Prefix, string Suffix);
