using System.Globalization;

namespace CozeCluster;

/// <summary>
/// A place in a reply's content: everything before it has been delivered. It does not depend on how the reply was chunked, so it means the same in a reply
/// that was rebuilt after a crash. Written <c>part.offset</c>, or <c>part.offset.revision</c> once the part was rewritten.
/// </summary>
/// <param name="Part">Ordinal of the part, from 0.</param>
/// <param name="Offset">UTF-16 units into the part's text; for a part without text, 0 before it and 1 behind it.</param>
/// <param name="Revision">How often the part had been rewritten when this place was delivered; 0 if never.</param>
[GenerateSerializer, Immutable, Alias("cursor")]
public readonly record struct Cursor(int Part, int Offset, int Revision = 0) : IComparable<Cursor>
{
    /// <summary>The most characters <see cref="TryFormat"/> writes.</summary>
    public const int MaxLength = 32;

    /// <summary>Before everything.</summary>
    public static Cursor Start => default;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Cursor cursor)
    {
        cursor = default;
        Span<Range> ranges = stackalloc Range[4];
        var count = text.Split(ranges, '.');
        if (count is not (2 or 3)) return false;
        var revision = 0;
        if (!TryNumber(text[ranges[0]], out var part) || !TryNumber(text[ranges[1]], out var offset)) return false;
        if (count == 3 && !TryNumber(text[ranges[2]], out revision)) return false;
        cursor = new Cursor(part, offset, revision);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        // TryParse alone would take trailing zero characters.
        return !text.ContainsAnyExceptInRange('0', '9') && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>Writes the cursor as UTF-8 without allocating.</summary>
    public bool TryFormat(Span<byte> destination, out int written)
    {
        // By hand: interpolation boxes the numbers until the runtime has optimized it.
        written = 0;
        return Append(Part, destination, ref written) && AppendPoint(destination, ref written) && Append(Offset, destination, ref written)
            && (Revision == 0 || (AppendPoint(destination, ref written) && Append(Revision, destination, ref written)));
    }

    private static bool Append(int number, Span<byte> destination, ref int written)
    {
        var ok = number.TryFormat(destination[written..], out var digits, provider: CultureInfo.InvariantCulture);
        written += digits;
        return ok;
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
