using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>
/// An id of Discord: unique, and ordered by the time of creation. Discord sends ids as text; here they are numbers, so that comparing them is cheap.
/// </summary>
/// <param name="Value">The id; 0 means no id.</param>
[JsonConverter(typeof(SnowflakeConverter))]
internal readonly record struct Snowflake(ulong Value) : IComparable<Snowflake>
{
    // The upper 42 bits are milliseconds since 2015 (Discord's API reference, "Snowflakes").
    private const long Epoch = 1_420_070_400_000;
    private const int TimeShift = 22;

    /// <summary>Whether there is no id.</summary>
    public bool IsNone => Value == 0;

    /// <summary>When the object was created, to the millisecond.</summary>
    public DateTimeOffset CreatedAt => DateTimeOffset.FromUnixTimeMilliseconds((long)(Value >> TimeShift) + Epoch);

    /// <summary>
    /// The largest id before a time, for reading what was created after it; no id for times before 2015. Ids contain the time of Discord's clock, which may
    /// differ from this machine's.
    /// </summary>
    public static Snowflake Before(DateTimeOffset time)
    {
        var milliseconds = time.ToUnixTimeMilliseconds() - Epoch;
        return milliseconds <= 0 ? default : new Snowflake(((ulong)milliseconds << TimeShift) - 1);
    }

    /// <summary>Reads decimal digits. Returns false for anything else, and for 0.</summary>
    public static bool TryParse(string? text, out Snowflake id)
    {
        id = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? new Snowflake(value) : default;
        return !id.IsNone;
    }

    /// <summary>Reads decimal digits.</summary>
    /// <exception cref="FormatException">The text is not an id.</exception>
    public static Snowflake Parse(string text) => TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a Discord id.");

    /// <inheritdoc />
    public int CompareTo(Snowflake other) => Value.CompareTo(other.Value);

    /// <summary>Decimal digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Writes ids as decimal text; reads text and numbers. Null and anything else is read as no id.</summary>
internal sealed class SnowflakeConverter : JsonConverter<Snowflake>
{
    private const int MaxDigits = 20;

    public override bool HandleNull => true;

    public override Snowflake Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number) return reader.TryGetUInt64(out var number) ? new Snowflake(number) : default;
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return default;
        }
        if (!reader.HasValueSequence && Utf8Parser.TryParse(reader.ValueSpan, out ulong value, out var read) && read == reader.ValueSpan.Length)
        {
            return new Snowflake(value);
        }
        return Snowflake.TryParse(reader.GetString(), out var id) ? id : default;
    }

    public override void Write(Utf8JsonWriter writer, Snowflake value, JsonSerializerOptions options)
    {
        Span<byte> digits = stackalloc byte[MaxDigits];
        Utf8Formatter.TryFormat(value.Value, digits, out var written);
        writer.WriteStringValue(digits[..written]);
    }
}
