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
            var stop = text.IndexOfAny(Escaped);
            Utf8.FromUtf16(stop < 0 ? text : text[..stop], destination[total..], out _, out var written);
            total += written;
            if (stop < 0) return total;
            total += Escape(text[stop], destination[total..]);
            text = text[(stop + 1)..];
        }
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
        "u00"u8.CopyTo(destination[1..]);
        destination[4] = (byte)('0' + (character >> 4));
        destination[5] = (byte)"0123456789abcdef"[character & 15];
        return 6;
    }
}
