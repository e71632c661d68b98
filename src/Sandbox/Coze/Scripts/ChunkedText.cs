using System.Collections.Concurrent;
using System.Text;
using System.Text.Encodings.Web;

namespace CozeCluster.Sandbox.Coze;

/// <summary>A text, split into chunks for deltas. Each chunk is already encoded as the content of a JSON string, so sending it copies bytes.</summary>
internal sealed class ChunkedText
{
    private const int CacheLimit = 1_024;
    private static readonly ConcurrentDictionary<(int Seed, TextKind Kind, int Chunks, int Size, bool Ascii), ChunkedText> Cache = new();

    private static readonly string[] PlainWords =
    [
        "the", "river", "keeps", "its", "own", "time", "and", "every", "stone", "below", "a", "quiet", "bridge", "knows", "one", "slow", "song", "of",
        "rain.", "So",
    ];

    // Characters of two, three and four bytes, joined emoji, a combining mark, right-to-left text, and characters that JSON must escape.
    private static readonly string[] UnicodeWords =
    [
        "plain", "übergroß", "你好,", "世界。", "こんにちは", "🚀", "👩‍👩‍👧", "e\u0301", "שלום",
        "\"quoted\"", "back\\slash", "line\nbreak", "tab\there", "\u2028", "𝔘𝔫𝔦", "🇨🇳", "</tag>", "&", "नमस्ते", "€",
    ];

    private ChunkedText(string text, byte[][] chunks)
    {
        Text = text;
        Chunks = chunks;
    }

    /// <summary>The whole text.</summary>
    public string Text { get; }

    /// <summary>The chunks as JSON-escaped UTF-8, without quotes.</summary>
    public byte[][] Chunks { get; }

    /// <summary>Generates a text. The same arguments always give the same text.</summary>
    /// <param name="seed">The seed of the random words.</param>
    /// <param name="kind">The words to use.</param>
    /// <param name="chunks">The number of chunks.</param>
    /// <param name="size">UTF-16 units per chunk; one more when the chunk ends with a surrogate pair.</param>
    /// <param name="ascii">Whether characters beyond ASCII are escaped.</param>
    public static ChunkedText Generate(int seed, TextKind kind, int chunks, int size, bool ascii)
    {
        var key = (seed, kind, chunks, size, ascii);
        if (Cache.TryGetValue(key, out var cached)) return cached;
        if (Cache.Count >= CacheLimit) Cache.Clear();

        var words = kind == TextKind.Unicode ? UnicodeWords : PlainWords;
        var random = new Random(seed);
        var text = new StringBuilder();
        // One extra unit per chunk, for surrogate pairs.
        while (text.Length < (long)chunks * (size + 1)) text.Append(words[random.Next(words.Length)]).Append(' ');
        return Cache[key] = Split(text.ToString(), size, ascii, chunks);
    }

    /// <summary>Splits a text into chunks of <paramref name="size"/> UTF-16 units. Surrogate pairs are not split.</summary>
    public static ChunkedText Split(string text, int size, bool ascii, int maxChunks = int.MaxValue)
    {
        var chunks = new List<byte[]>();
        var start = 0;
        while (start < text.Length && chunks.Count < maxChunks)
        {
            var end = Math.Min(text.Length, start + size);
            if (end < text.Length && char.IsHighSurrogate(text[end - 1])) end++;
            chunks.Add(Encoding.UTF8.GetBytes(ascii ? JavaScriptEncoder.Default.Encode(text[start..end]) : Escape(text.AsSpan(start, end - start))));
            start = end;
        }
        return new ChunkedText(text[..start], [.. chunks]);
    }

    // Escapes only what JSON requires. The encoders of .NET also escape characters of four bytes, which the real server does not.
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
