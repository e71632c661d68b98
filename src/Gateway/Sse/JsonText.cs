using System.Buffers;
using System.Text.Unicode;

namespace CozeCluster.Gateway.Sse;

/// <summary>Text as the inside of a JSON string, in UTF-8, without allocating.</summary>
internal static class JsonText
{
    /// <summary>The most bytes one UTF-16 unit becomes: a control character as <c>\u001f</c>.</summary>
    public const int MaxBytesPerChar = 6;

    private static readonly SearchValues<char> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(code => (char)code), '"', '\\']);

    /// <summary>Writes the text; a lone half of a surrogate pair becomes U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="destination">Room for <see cref="MaxBytesPerChar"/> bytes per character.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<byte> destination)
    {
        var total = 0;
        while (true)
        {
            var stop = Stop(text);
            Utf8.FromUtf16(stop < 0 ? text : text[..stop], destination[total..], out _, out var written);
            total += written;
            if (stop < 0) return total;
            total += Escape(text[stop], destination[total..]);
            text = text[(stop + 1)..];
        }
    }

    // JSON does not ask for the line ends beyond ASCII. But some readers of events (Python's splitlines, early openai-node) end a line there, and would see half an event.
    // They are looked for apart: ASCII alone is searched with less ado.
    private static int Stop(ReadOnlySpan<char> text)
    {
        var stop = text.IndexOfAny(Escaped);
        var line = (stop < 0 ? text : text[..stop]).IndexOfAny('\u0085', '\u2028', '\u2029');
        return line < 0 ? stop : line;
    }

    private static int Escape(char character, Span<byte> destination)
    {
        var brief = character switch { '"' => '"', '\\' => '\\', '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', '\f' => 'f', _ => '\0' };
        destination[0] = (byte)'\\';
        if (brief != '\0')
        {
            destination[1] = (byte)brief;
            return 2;
        }
        destination[1] = (byte)'u';
        for (var digit = 0; digit < 4; digit++) destination[2 + digit] = (byte)"0123456789abcdef"[(character >> (12 - 4 * digit)) & 15];
        return 6;
    }
}
