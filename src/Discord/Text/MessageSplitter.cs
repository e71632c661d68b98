namespace CozeCluster.Discord;

/// <summary>
/// Splits a text into messages that Discord accepts. Lengths are UTF-16 code units, and no surrogate pair is split. A cut is made after a line, or else after a
/// word, if one ends near enough. A code fence moves to the next message as a whole if it fits there; otherwise it is closed and opened again.
/// </summary>
internal static class MessageSplitter
{
    /// <summary>Splits a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="reserve">Units to leave free in the last part, for a mention; 0 to half of <paramref name="limit"/>.</param>
    /// <param name="limit">The maximum length of a part, at least 16.</param>
    /// <returns>
    /// At least one part. Parts are not blank, unless there is only one. Joined, they are the text, except for fences that are closed and opened again, and for
    /// trailing white space and blank parts, which are left out.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The reserve or the limit is out of range.</exception>
    public static IReadOnlyList<string> Split(string text, int reserve = 0, int limit = DiscordLimits.MessageUnits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 16);
        ArgumentOutOfRangeException.ThrowIfNegative(reserve);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reserve, limit / 2);
        if (text.Length <= limit - reserve) return [text];

        // Discord removes trailing white space anyway. A last part of only white space would be left out, and the part before it has no room for the reserve.
        text = text.TrimEnd();
        var parts = new List<string>();
        foreach (var piece in Pieces(text, reserve, limit))
        {
            var body = text.AsSpan(piece.Start, piece.Length);
            if (!body.IsWhiteSpace()) parts.Add($"{piece.Prefix}{body}{piece.Suffix}");
        }
        return parts.Count == 0 ? [""] : parts;
    }

    /// <summary>Where the text is cut. The pieces cover the text without gaps.</summary>
    internal static IEnumerable<TextPiece> Pieces(string text, int reserve, int limit)
    {
        var fences = CodeFences.In(text);
        var start = 0;
        var prefix = "";
        while (prefix.Length + text.Length - start > limit - reserve)
        {
            var (end, fence) = FindCut(text, start, prefix.Length, reserve, limit, fences);
            var suffix = fence is null ? "" : text[end - 1] == '\n' ? CodeFences.Mark : "\n" + CodeFences.Mark;
            yield return new TextPiece(start, end - start, prefix, suffix);
            start = end;
            prefix = fence is { } open ? CodeFences.Opening(text, open) : "";
        }
        yield return new TextPiece(start, text.Length - start, prefix, "");
    }

    /// <summary>Finds the end of the part that begins at <paramref name="start"/>, and the fence that the cut is in, if that cannot be avoided.</summary>
    private static (int End, CodeFence? Fence) FindCut(string text, int start, int prefix, int reserve, int limit, IReadOnlyList<CodeFence> fences)
    {
        var isLast = text.Length - start + prefix <= limit;
        var max = start + limit - prefix - (isLast ? reserve : 0);
        var end = FindBoundary(text, start, max);
        if (FenceAt(end) is not { } fence) return (end, null);
        if (fence.End <= max) return (fence.End, null);

        var fitsInNextPart = fence.Length <= limit - reserve && fence.Start - start >= limit / 8;
        if (fence.Start > start && (fitsInNextPart || end <= fence.BodyStart)) return (fence.Start, null);

        // Cut inside the fence: after its opening line, and with room for a closing mark on a line of its own.
        var bodyStart = Math.Max(start, fence.BodyStart);
        var bodyMax = max - CodeFences.Mark.Length - 1;
        if (bodyMax - bodyStart >= limit / 4 && CodeFences.Opening(text, fence).Length <= limit / 4) return (FindBoundary(text, bodyStart, bodyMax), fence);
        // The fence begins near the end of the part, or its opening line would fill the next part.
        return (fence.Start > start ? fence.Start : end, null);

        CodeFence? FenceAt(int index)
        {
            foreach (var candidate in fences)
            {
                if (candidate.Start < index && index < candidate.End) return candidate;
            }
            return null;
        }
    }

    /// <summary>Finds the best cut in the second half of (start, max]: after a line, else after white space, else at the end.</summary>
    private static int FindBoundary(string text, int start, int max)
    {
        var from = start + (max - start) / 2;
        var tail = text.AsSpan(from, max - from);
        var line = tail.LastIndexOf('\n');
        if (line >= 0) return from + line + 1;
        for (var index = tail.Length - 1; index >= 0; index--)
        {
            if (char.IsWhiteSpace(tail[index])) return from + index + 1;
        }
        var splitsPair = char.IsHighSurrogate(text[max - 1]) && max < text.Length && char.IsLowSurrogate(text[max]);
        return splitsPair && max - 1 > start ? max - 1 : max;
    }
}

/// <summary>A piece of a text, with what is written before and after it.</summary>
internal readonly record struct TextPiece(int Start, int Length, string Prefix, string Suffix);

/// <summary>A block of code between two marks.</summary>
/// <param name="Start">Index of its opening mark.</param>
/// <param name="BodyStart">Index after the opening line.</param>
/// <param name="End">Index after its closing mark; the text's length if there is none.</param>
internal readonly record struct CodeFence(int Start, int BodyStart, int End)
{
    public int Length => End - Start;
}

/// <summary>Finds blocks of code as Discord shows them: from one mark to the next, anywhere in a line.</summary>
internal static class CodeFences
{
    public const string Mark = "```";

    // No language has a longer name.
    private const int MaxLanguage = 20;

    /// <summary>All code fences of a text, in order.</summary>
    public static IReadOnlyList<CodeFence> In(string text)
    {
        var fences = new List<CodeFence>();
        var start = text.IndexOf(Mark, StringComparison.Ordinal);
        while (start >= 0)
        {
            var inside = start + Mark.Length;
            var close = text.IndexOf(Mark, inside, StringComparison.Ordinal);
            var end = close < 0 ? text.Length : close + Mark.Length;
            fences.Add(new CodeFence(start, FindBody(text, inside, close < 0 ? text.Length : close), end));
            start = close < 0 ? -1 : text.IndexOf(Mark, end, StringComparison.Ordinal);
        }
        return fences;
    }

    /// <summary>The line that opens the fence again in another message: mark, language and line break.</summary>
    public static string Opening(string text, CodeFence fence)
    {
        var line = text[fence.Start..fence.BodyStart];
        return line.EndsWith('\n') ? line : line + "\n";
    }

    /// <summary>The index after the language's name, if the opening line contains nothing else.</summary>
    private static int FindBody(string text, int inside, int close)
    {
        var line = text.AsSpan(inside, close - inside);
        var length = line.IndexOf('\n');
        if (length is < 0 or > MaxLanguage) return inside;
        foreach (var c in line[..length])
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '#' or '.' or '_' or '\r')) return inside;
        }
        return inside + length + 1;
    }
}
