using System.Collections.Concurrent;
using System.Text;
using System.Text.Encodings.Web;

namespace CozeCluster.Sandbox.Coze.Scripts;

/// <summary>A text cut into deltas, each already encoded as the inside of a JSON string, so that sending one is a copy.</summary>
internal sealed class ReplyText
{
    private const int CacheLimit = 1_024;
    private static readonly ConcurrentDictionary<(int Seed, ReplyTextKind Kind, int Chunks, int Size, bool Ascii), ReplyText> Cache = new();

    private static readonly string[] PlainWords =
        ["the", "river", "keeps", "its", "own", "time", "and", "every", "stone", "below", "a", "quiet", "bridge", "knows", "one", "slow", "song", "of", "rain.", "So"];

    // Two, three and four byte characters, joined emoji, a combining mark, right-to-left text, and what JSON must escape.
    private static readonly string[] UnicodeWords =
        ["plain", "übergroß", "你好,", "世界。", "こんにちは", "🚀", "👩‍👩‍👧", "e\u0301", "שלום", "\"quoted\"", "back\\slash", "line\nbreak", "tab\there", "\u2028", "𝔘𝔫𝔦", "🇨🇳", "</tag>", "&", "नमस्ते", "€"];

    private ReplyText(string text, byte[][] chunks)
    {
        Text = text;
        Chunks = chunks;
    }

    /// <summary>The whole text.</summary>
    public string Text { get; }

    /// <summary>Its deltas, JSON-escaped UTF-8 without the quotes.</summary>
    public byte[][] Chunks { get; }

    /// <summary>The same text every time for the same arguments: <paramref name="chunks"/> deltas of <paramref name="size"/> UTF-16 units (or one more, for a surrogate pair).</summary>
    public static ReplyText Generate(int seed, ReplyTextKind kind, int chunks, int size, bool ascii)
    {
        var key = (seed, kind, chunks, size, ascii);
        if (Cache.TryGetValue(key, out var known)) return known;
        if (Cache.Count >= CacheLimit) Cache.Clear();

        var words = kind == ReplyTextKind.Unicode ? UnicodeWords : PlainWords;
        var random = new Random(seed);
        var text = new StringBuilder();
        // One unit to spare per chunk, for pairs that must not be cut.
        while (text.Length < (long)chunks * (size + 1)) text.Append(words[random.Next(words.Length)]).Append(' ');
        return Cache[key] = Cut(text.ToString(), size, ascii, chunks);
    }

    /// <summary>A given text in deltas of <paramref name="size"/> UTF-16 units; surrogate pairs stay whole.</summary>
    public static ReplyText Cut(string text, int size, bool ascii, int most = int.MaxValue)
    {
        var chunks = new List<byte[]>();
        var at = 0;
        while (at < text.Length && chunks.Count < most)
        {
            var end = Math.Min(text.Length, at + size);
            if (end < text.Length && char.IsHighSurrogate(text[end - 1])) end++;
            chunks.Add(Encoding.UTF8.GetBytes(ascii ? JavaScriptEncoder.Default.Encode(text[at..end]) : Escape(text.AsSpan(at, end - at))));
            at = end;
        }
        return new ReplyText(text[..at], [.. chunks]);
    }

    // Only what JSON demands: the ready-made encoders write four-byte characters as escapes, the real server writes them as they are.
    private static string Escape(ReadOnlySpan<char> text)
    {
        var json = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            if (c is '"' or '\\') json.Append('\\').Append(c);
            else if (c == '\n') json.Append("\\n");
            else if (c < ' ') json.Append($"\\u{(int)c:x4}");
            else json.Append(c);
        }
        return json.ToString();
    }
}
