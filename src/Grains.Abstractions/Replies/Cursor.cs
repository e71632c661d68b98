using System.Globalization;

namespace CozeCluster;

/// <summary>
/// A position in a reply's content: everything before it has been delivered. It does not depend on how the reply was split into events, so it stays valid when
/// the reply is read again after a crash. Written <c>part.offset</c>, or <c>part.offset.revision</c> if the part was rewritten.
/// </summary>
/// <param name="Part">The ordinal of the part, from 0.</param>
/// <param name="Offset">The offset into the part's text in UTF-16 units. For a part without text: 0 before the part, 1 after it.</param>
/// <param name="Revision">How many times the part had been rewritten when this position was delivered.</param>
[GenerateSerializer, Immutable, Alias("cursor")]
public readonly record struct Cursor(int Part, int Offset, int Revision = 0) : IComparable<Cursor>
{
    /// <summary>The maximum length that <see cref="TryFormat"/> writes.</summary>
    public const int MaxLength = 32;

    /// <summary>The beginning of a reply.</summary>
    public static Cursor Start => default;

    /// <summary>
    /// The UTF-16 units before this position, at least. A cursor does not tell how long the parts before its own one are, so each of them counts as one.
    /// </summary>
    public long MinLength => (long)Part + Offset;

    /// <summary>Parses a cursor that <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Cursor cursor)
    {
        cursor = default;
        Span<Range> ranges = stackalloc Range[4];
        var count = text.Split(ranges, '.');
        if (count is not (2 or 3)) return false;
        var revision = 0;
        if (!TryParseNumber(text[ranges[0]], out var part) || !TryParseNumber(text[ranges[1]], out var offset)) return false;
        if (count == 3 && !TryParseNumber(text[ranges[2]], out revision)) return false;
        cursor = new Cursor(part, offset, revision);
        return true;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        // int.TryParse alone would accept trailing zero characters.
        return !text.ContainsAnyExceptInRange('0', '9') && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>Writes the cursor as UTF-8 without allocating.</summary>
    public bool TryFormat(Span<byte> destination, out int written)
    {
        // Without interpolation, which boxes the numbers until the runtime has optimized it.
        written = 0;
        return Append(Part, destination, ref written) && AppendPoint(destination, ref written) && Append(Offset, destination, ref written)
            && (Revision == 0 || (AppendPoint(destination, ref written) && Append(Revision, destination, ref written)));
    }

    private static bool Append(int number, Span<byte> destination, ref int written)
    {
        var success = number.TryFormat(destination[written..], out var digits, provider: CultureInfo.InvariantCulture);
        written += digits;
        return success;
    }

    private static bool AppendPoint(Span<byte> destination, ref int written)
    {
        if (written == destination.Length) return false;
        destination[written++] = (byte)'.';
        return true;
    }

    /// <inheritdoc />
    public int CompareTo(Cursor other) => Part != other.Part ? Part.CompareTo(other.Part) : Offset.CompareTo(other.Offset);

    /// <inheritdoc />
    public override string ToString() => Revision == 0 ? $"{Part}.{Offset}" : $"{Part}.{Offset}.{Revision}";
}
