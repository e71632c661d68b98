using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class CursorTests
{
    private static readonly Arbitrary<Cursor> Cursors = (
        from part in Number()
        from offset in Number()
        from revision in Number()
        select new Cursor(part, offset, revision)).ToArbitrary();

    [Theory]
    [InlineData(0, 0, 0, "0.0")]
    [InlineData(3, 141, 0, "3.141")]
    [InlineData(3, 141, 2, "3.141.2")]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue, "2147483647.2147483647.2147483647")]
    public void A_cursor_has_a_fixed_text_form(int part, int offset, int revision, string text)
    {
        Assert.Equal(text, new Cursor(part, offset, revision).ToString());
        Assert.True(Cursor.TryParse(text, out var cursor));
        Assert.Equal(new Cursor(part, offset, revision), cursor);
    }

    [Fact]
    public void TryParse_reads_what_ToString_writes() => Prop
        .ForAll(Cursors, cursor => Cursor.TryParse(cursor.ToString(), out var read) && read == cursor)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void TryFormat_writes_what_ToString_writes() => Prop
        .ForAll(Cursors, cursor =>
        {
            Span<byte> buffer = stackalloc byte[Cursor.MaxLength];
            return cursor.TryFormat(buffer, out var written) && Encoding.UTF8.GetString(buffer[..written]) == cursor.ToString();
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void TryFormat_fails_if_the_buffer_is_too_small()
    {
        Assert.False(new Cursor(12, 34).TryFormat(new byte[4], out _));
        Assert.True(new Cursor(12, 34).TryFormat(new byte[5], out var written));
        Assert.Equal(5, written);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.")]
    [InlineData(".1")]
    [InlineData("1.2.")]
    [InlineData("1.2.3.4")]
    [InlineData("-1.2")]
    [InlineData("+1.2")]
    [InlineData("1.-2")]
    [InlineData(" 1.2")]
    [InlineData("1.2 ")]
    [InlineData("1,2")]
    [InlineData("1.2\0")]
    [InlineData("0x1.2")]
    [InlineData("2147483648.0")]
    [InlineData("1.99999999999999999999")]
    [InlineData("١.٢")]
    public void TryParse_rejects_other_texts(string text) => Assert.False(Cursor.TryParse(text, out _));

    [Fact]
    public void TryParse_never_throws() => Prop
        .ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            var read = Cursor.TryParse(text, out var cursor);
            return read || cursor == Cursor.Start;
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Cursors_are_ordered_by_position_not_by_revision() => Prop
        .ForAll(Cursors, Cursors, (one, other) =>
            Math.Sign(one.CompareTo(other)) == Math.Sign((one.Part, one.Offset).CompareTo((other.Part, other.Offset)))
            && Math.Sign(one.CompareTo(other)) == -Math.Sign(other.CompareTo(one))
            && one.CompareTo(one with { Revision = other.Revision }) == 0)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Start_is_the_first_cursor() => Prop
        .ForAll(Cursors, cursor => Cursor.Start.CompareTo(cursor) <= 0)
        .QuickCheckThrowOnFailure();

    /// <summary>Small numbers often collide, which tests the order. Large numbers fill the buffer.</summary>
    private static Gen<int> Number() => Gen.Frequency((3, Gen.Choose(0, 3)), (2, Gen.Choose(0, 5000)), (1, Gen.Choose(0, int.MaxValue)));
}
