namespace CozeCluster.Discord;

/// <summary>A block of code between two marks.</summary>
/// <param name="Start">Where its opening mark is.</param>
/// <param name="BodyStart">Behind the opening line.</param>
/// <param name="End">Behind its closing mark, or the text's end if it has none.</param>
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

    /// <summary>All of a text, in order.</summary>
    public static IReadOnlyList<CodeFence> In(string text)
    {
        var fences = new List<CodeFence>();
        var start = text.IndexOf(Mark, StringComparison.Ordinal);
        while (start >= 0)
        {
            var inside = start + Mark.Length;
            var close = text.IndexOf(Mark, inside, StringComparison.Ordinal);
            var end = close < 0 ? text.Length : close + Mark.Length;
            fences.Add(new CodeFence(start, BodyOf(text, inside, close < 0 ? text.Length : close), end));
            start = close < 0 ? -1 : text.IndexOf(Mark, end, StringComparison.Ordinal);
        }
        return fences;
    }

    /// <summary>What opens the fence again in another message: the mark, the language, and a line's end.</summary>
    public static string Opening(string text, CodeFence fence)
    {
        var line = text[fence.Start..fence.BodyStart];
        return line.EndsWith('\n') ? line : line + "\n";
    }

    /// <summary>Behind the language's name, if that is all that stands on the opening line.</summary>
    private static int BodyOf(string text, int inside, int close)
    {
        var line = text.AsSpan(inside, close - inside);
        var length = line.IndexOf('\n');
        if (length is < 0 or > MaxLanguage) return inside;
        foreach (var c in line[..length])
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '#' or '.' or '_' or '\r')) return inside;
        return inside + length + 1;
    }
}
