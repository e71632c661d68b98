using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The words of a Coze-hosted bot: the same for the same script and prompt.</summary>
internal static class CozeBotText
{
    private const int LongestEcho = 400;

    private static readonly string[] PlainWords =
        ["the", "harbour", "wakes", "before", "its", "gulls", "and", "one", "lamp", "still", "counts", "boats", "in", "a", "low", "mist.", "Then"];

    // Two, three and four byte characters, a joined emoji, a combining mark, right-to-left text, Markdown and JSON's own signs.
    private static readonly string[] UnicodeWords =
        ["plain", "größer", "你好,", "世界。", "🚀", "👩‍👩‍👧", "e\u0301", "שלום", "\"quoted\"", "back\\slash", "line\nbreak", "𝔘𝔫𝔦", "**bold**", "`code`", "€"];

    public static string For(CozeBotScript script, string prompt, int seed)
    {
        if (script.Fault is { } fault) return $"The sandbox cannot follow this prompt: {fault}.";
        if (script.Notice is { } notice) return CozeNotices.All[notice];
        if (script.Say is { } say) return say;
        if (script.Length is { } length) return Generate(script.Unicode ? UnicodeWords : PlainWords, length, seed);
        return $"You said: {(script.Full ? prompt : Shorten(prompt))}\n\nThis is the Coze bot of the Discord sandbox, glad to hear from you.";
    }

    /// <summary>Cuts a text into pieces of at most <paramref name="size"/> UTF-16 units without parting a surrogate pair.</summary>
    public static List<string> Cut(string text, int size)
    {
        var pieces = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var end = SafeEnd(text, Math.Min(text.Length, at + size));
            pieces.Add(text[at..end]);
            at = end;
        }
        return pieces;
    }

    /// <summary>Where a text ends after each of <paramref name="count"/> steps.</summary>
    public static int[] Steps(string text, int count) =>
        [.. Enumerable.Range(1, count).Select(step => SafeEnd(text, (int)((long)text.Length * step / count)))];

    private static int SafeEnd(string text, int end) => end > 1 && end < text.Length && char.IsHighSurrogate(text[end - 1]) ? end - 1 : end;

    private static string Generate(string[] words, int length, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        while (text.Length < length) text.Append(words[random.Next(words.Length)]).Append(' ');
        // A cut pair, or a blank at the end, would not survive the way; the length stays as asked.
        text.Length = length;
        if (char.IsHighSurrogate(text[^1]) || char.IsWhiteSpace(text[^1])) text[^1] = '.';
        return text.ToString();
    }

    private static string Shorten(string prompt) => prompt.Length <= LongestEcho ? prompt : prompt[..SafeEnd(prompt, LongestEcho)] + "…";
}
