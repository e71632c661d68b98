using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Upstreams.Json;

/// <summary>
/// The inside of a JSON string as it came over the wire. Far sides cut texts anywhere, also between the halves of a surrogate pair; the reader of the base library
/// refuses such a half, this one passes it on, so that the halves meet again where texts are joined.
/// </summary>
/// <param name="raw">What stands between the quotes, already seen by <see cref="Utf8JsonReader"/>; or a number or any other value as it is.</param>
/// <param name="isEscaped">Whether there may be escapes in it.</param>
internal readonly ref struct JsonText(ReadOnlySpan<byte> raw, bool isEscaped)
{
    /// <summary>The bytes as they came.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;

    /// <summary>Whether there may be escapes in <see cref="Raw"/>.</summary>
    public bool IsEscaped { get; } = isEscaped;

    /// <summary>No text, an empty one, or null.</summary>
    public bool IsEmpty => Raw.IsEmpty;

    /// <summary>Room enough for <see cref="Decode"/>.</summary>
    public int MaxChars => Raw.Length;

    /// <summary>The value the reader stands on: text; nothing for null; numbers, objects and so on as JSON. Leaves the reader at the value's end.</summary>
    /// <param name="reader">Reads <paramref name="json"/>.</param>
    /// <param name="json">All the reader reads.</param>
    public static JsonText Of(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
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

    /// <summary>Equal to an ASCII text.</summary>
    public bool Is(ReadOnlySpan<byte> ascii) => Raw.SequenceEqual(ascii);

    /// <summary>Writes the text.</summary>
    /// <param name="chars">At least <see cref="MaxChars"/>.</param>
    /// <returns>How many were written.</returns>
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
            chars[written++] = escape == 'u' ? Unit(rest.Slice(slash + 2, 4)) : Plain(escape);
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

    private static char Plain(byte escape) => escape switch
    {
        (byte)'n' => '\n',
        (byte)'t' => '\t',
        (byte)'r' => '\r',
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        _ => (char)escape,
    };

    private static char Unit(ReadOnlySpan<byte> digits)
    {
        var unit = 0;
        foreach (var digit in digits)
        {
            Debug.Assert(char.IsAsciiHexDigit((char)digit), "the reader has checked this");
            unit = (unit << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }
        return (char)unit;
    }
}
