using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

public sealed class TextCodecTests
{
    /// <summary>Any UTF-16 units, valid text or not.</summary>
    private static readonly Arbitrary<string> Texts =
        Gen.OneOf(Gen.Choose(0, 0xffff), Gen.Choose(0xd7f0, 0xe010), Gen.Choose(' ', '~')).Select(unit => (char)unit).ArrayOf().Select(units => new string(units)).ToArbitrary();

    [Fact]
    public void Any_text_comes_back_exactly() => Prop
        .ForAll(Texts, text => Wire.Again(new ReplyText(1, 2, 3, text.AsMemory())).Text.Span.SequenceEqual(text)
            && Wire.Again(new ReplyReasoning(1, 2, text.AsMemory())).Text.Span.SequenceEqual(text))
        .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("a\ud83d")]
    [InlineData("\ude42a")]
    public void Half_a_surrogate_pair_comes_back(string text) => Assert.Equal(text, Wire.Again(new ReplyText(0, 0, 0, text.AsMemory())).Text.ToString());

    [Fact]
    public void No_text_at_all_comes_back_empty() => Assert.True(Wire.Again(new ReplyText(0, 0, 0, default)).Text.IsEmpty);

    [Fact]
    public void Only_the_slice_is_written()
    {
        var part = "before the slice after".AsMemory();

        Assert.Equal("the slice", Wire.Again(new ReplyText(0, 7, 0, part[7..16])).Text.ToString());
        Assert.Equal(Wire.Write(new ReplyText(0, 7, 0, "the slice".AsMemory())), Wire.Write(new ReplyText(0, 7, 0, part[7..16])));
    }

    /// <summary>Orleans numbers the values of a message, and refers to one it has written before by its number.</summary>
    [Fact]
    public void References_that_follow_a_text_are_read_right()
    {
        var origin = new ReplyOrigin("b", "coze", new Dictionary<string, string> { ["chat_id"] = "c" });
        var sent = new ReplyBatch("t", [new ReplyText(0, 0, 0, "a".AsMemory()), new ReplyCompleted(FinishReason.Stop, null, origin), new ReplyReasoning(0, 0, "b".AsMemory()),
            new ReplyFailed(new Error(ErrorCode.Internal, "t"), origin)], default);

        var received = Wire.Again(sent);

        Same.Assert(sent, received, nameof(ReplyBatch));
        Assert.Same(((ReplyCompleted)received.Events[1]).Origin, ((ReplyFailed)received.Events[3]).Origin);
    }

    [Fact]
    public void A_text_that_arrives_in_pieces_is_read_whole()
    {
        var text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{i}界"));
        var bytes = Wire.Serializer.SerializeToArray<ReplyEvent>(new ReplyText(0, 0, 0, text.AsMemory()));

        var received = (ReplyText)Wire.Serializer.Deserialize<ReplyEvent>(Pieces(bytes, 7))!;

        Assert.Equal(text, received.Text.ToString());
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        var bytes = Wire.Write(new ReplyText(0, 0, 0, "ab".AsMemory()));
        var length = bytes.AsSpan().LastIndexOf((byte)((4 << 1) | 1));
        Assert.Equal("a\0b\0"u8, bytes.AsSpan(length + 1, 4));

        bytes[length] = (3 << 1) | 1;
        Assert.Throws<InvalidDataException>(() => Wire.Read(bytes));

        // Longer than the whole message: refused before anything is allocated.
        bytes[length] = (100 << 1) | 1;
        Assert.ThrowsAny<Exception>(() => Wire.Read(bytes));
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        var first = new Piece(bytes.AsMemory(0, size), null);
        var last = first;
        for (var at = size; at < bytes.Length; at += size) last = new Piece(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
