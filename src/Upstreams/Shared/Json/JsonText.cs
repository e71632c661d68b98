using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Upstreams.Shared.Json;

/// <summary>
/// The content of a JSON string as it was received. Upstreams cut texts anywhere, also between the two halves of a surrogate pair. .NET's JSON reader rejects a
/// single half. This type keeps it, so that the halves become a character again when the texts are joined.
/// </summary>
/// <param name="raw">The bytes between the quotes, already validated by <see cref="Utf8JsonReader"/>; or the bytes of a number or another value.</param>
/// <param name="isEscaped">Whether the bytes may contain escape sequences.</param>
internal readonly ref struct JsonText(ReadOnlySpan<byte> raw, bool isEscaped)
{
    /// <summary>The bytes as received.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;

    /// <summary>Whether <see cref="Raw"/> may contain escape sequences.</summary>
    public bool IsEscaped { get; } = isEscaped;

    /// <summary>Whether the text is missing, null or empty.</summary>
    public bool IsEmpty => Raw.IsEmpty;

    /// <summary>A buffer of this size is large enough for <see cref="Decode"/>.</summary>
    public int MaxChars => Raw.Length;

    /// <summary>Reads the current value: a string as text, null as an empty text, anything else as JSON. Leaves the reader at the end of the value.</summary>
    /// <param name="reader">A reader over <paramref name="json"/>.</param>
    /// <param name="json">All bytes that the reader reads.</param>
    public static JsonText Read(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return default;
            case JsonTokenType.String:
                return new JsonText(reader.ValueSpan, reader.ValueIsEscaped);
            default:
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                return new JsonText(json[start..(int)reader.BytesConsumed], isEscaped: false);
        }
    }

    /// <summary>Whether the text equals an ASCII text.</summary>
    public bool Is(ReadOnlySpan<byte> ascii) => Raw.SequenceEqual(ascii);

    /// <summary>Decodes the text into a buffer.</summary>
    /// <param name="chars">A buffer of at least <see cref="MaxChars"/>.</param>
    /// <returns>The number of characters written.</returns>
    public int Decode(Span<char> chars)
    {
        if (!IsEscaped) return Encoding.UTF8.GetChars(Raw, chars);
        var rest = Raw;
        var written = 0;
        while (true)
        {
            var slash = rest.IndexOf((byte)'\\');
            if (slash < 0) return written + Encoding.UTF8.GetChars(rest, chars[written..]);
            written += Encoding.UTF8.GetChars(rest[..slash], chars[written..]);
            var escape = rest[slash + 1];
            chars[written++] = escape == 'u' ? DecodeUnicode(rest.Slice(slash + 2, 4)) : DecodeSimple(escape);
            rest = rest[(slash + (escape == 'u' ? 6 : 2))..];
        }
    }

    /// <inheritdoc />
    public override string ToString()
    {
        if (IsEmpty) return "";
        var chars = ArrayPool<char>.Shared.Rent(MaxChars);
        try
        {
            return new string(chars, 0, Decode(chars));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    private static char DecodeSimple(byte escape) => escape switch
    {
        (byte)'n' => '\n',
        (byte)'t' => '\t',
        (byte)'r' => '\r',
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        _ => (char)escape,
    };

    private static char DecodeUnicode(ReadOnlySpan<byte> hexDigits)
    {
        var unit = 0;
        foreach (var digit in hexDigits)
        {
            Debug.Assert(char.IsAsciiHexDigit((char)digit), "Utf8JsonReader has validated the escape sequence.");
            unit = (unit << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }
        return (char)unit;
    }
}
