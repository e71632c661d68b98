using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>An id of Discord's: unique, and ordered by the time it was made. Text on the wire, a number here, so that comparing ids costs nothing.</summary>
/// <param name="Value">0 is no id.</param>
[JsonConverter(typeof(SnowflakeConverter))]
internal readonly record struct Snowflake(ulong Value) : IComparable<Snowflake>
{
    // Discord counts milliseconds from 2015 in the upper 42 bits (its API reference, "Snowflakes").
    private const long Epoch = 1_420_070_400_000;
    private const int TimeShift = 22;

    /// <summary>Whether there is no id.</summary>
    public bool IsNone => Value == 0;

    /// <summary>When the thing was made, to the millisecond.</summary>
    public DateTimeOffset CreatedAt => DateTimeOffset.FromUnixTimeMilliseconds((long)(Value >> TimeShift) + Epoch);

    /// <summary>The largest id made before that time, for reading what came after. Times before 2015 give none. Discord's clock makes the ids, not ours.</summary>
    public static Snowflake Before(DateTimeOffset time)
    {
        var milliseconds = time.ToUnixTimeMilliseconds() - Epoch;
        return milliseconds <= 0 ? default : new Snowflake(((ulong)milliseconds << TimeShift) - 1);
    }

    /// <summary>Reads decimal digits; false for anything else and for 0.</summary>
    public static bool TryParse(string? text, out Snowflake id)
    {
        id = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? new Snowflake(value) : default;
        return !id.IsNone;
    }

    /// <summary>Reads decimal digits.</summary>
    /// <exception cref="FormatException">It is no id.</exception>
    public static Snowflake Parse(string text) => TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is no Discord id.");

    /// <inheritdoc />
    public int CompareTo(Snowflake other) => Value.CompareTo(other.Value);

    /// <summary>Decimal digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Ids are decimal text on the wire; numbers are read too, null and anything else as no id.</summary>
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
        if (!reader.HasValueSequence && Utf8Parser.TryParse(reader.ValueSpan, out ulong value, out var read) && read == reader.ValueSpan.Length) return new Snowflake(value);
        return Snowflake.TryParse(reader.GetString(), out var id) ? id : default;
    }

    public override void Write(Utf8JsonWriter writer, Snowflake value, JsonSerializerOptions options)
    {
        Span<byte> digits = stackalloc byte[MaxDigits];
        Utf8Formatter.TryFormat(value.Value, digits, out var written);
        writer.WriteStringValue(digits[..written]);
    }
}
