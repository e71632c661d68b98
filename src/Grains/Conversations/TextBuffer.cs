namespace CozeCluster.Grains;

/// <summary>
/// Growing text whose slices stay valid: what is written is never written over, so slices can be handed out without copying.
/// </summary>
internal sealed class TextBuffer
{
    private const int Smallest = 256;

    private char[] _chars = [];

    /// <summary>UTF-16 units.</summary>
    public int Length { get; private set; }

    /// <summary>Everything so far.</summary>
    public ReadOnlySpan<char> Span => _chars.AsSpan(0, Length);

    /// <summary>How much may be delivered while more can come: not the first half of a surrogate pair whose second half is missing.</summary>
    public int WholeLength => Length > 0 && char.IsHighSurrogate(_chars[Length - 1]) ? Length - 1 : Length;

    /// <summary>Appends.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        if (Length + text.Length > _chars.Length) Array.Resize(ref _chars, Math.Max(Smallest, Math.Max(2 * _chars.Length, Length + text.Length)));
        text.CopyTo(_chars.AsSpan(Length));
        Length += text.Length;
    }

    /// <summary>Cuts back to <paramref name="length"/>. What follows goes to a new array: slices of the old one are out there.</summary>
    public void CutTo(int length)
    {
        _chars = _chars.AsSpan(0, length).ToArray();
        Length = length;
    }

    /// <summary>A slice that stays as it is.</summary>
    public ReadOnlyMemory<char> Slice(int start, int length) => _chars.AsMemory(start, length);

    /// <summary>
    /// How much of the text <paramref name="other"/> begins with, in whole characters.
    /// </summary>
    public int CommonPrefix(ReadOnlySpan<char> other)
    {
        var common = Span.CommonPrefixLength(other);
        return common > 0 && common < Math.Max(Length, other.Length) && char.IsHighSurrogate(_chars[common - 1]) ? common - 1 : common;
    }

    /// <inheritdoc />
    public override string ToString() => new(Span);
}
