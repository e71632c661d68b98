using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class TextCodecTests
{
    /// <summary>Arbitrary UTF-16 units, which need not be valid text.</summary>
    private static readonly Arbitrary<string> Texts =
        Gen.OneOf(Gen.Choose(0, 0xffff), Gen.Choose(0xd7f0, 0xe010), Gen.Choose(' ', '~'))
            .Select(unit => (char)unit).ArrayOf().Select(units => new string(units)).ToArbitrary();

    [Fact]
    public void Any_text_survives_a_round_trip() => Prop
        .ForAll(Texts, text => Wire.RoundTrip(new ReplyText(1, 2, 3, text.AsMemory())).Text.Span.SequenceEqual(text)
            && Wire.RoundTrip(new ReplyReasoning(1, 2, text.AsMemory())).Text.Span.SequenceEqual(text))
        .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("a\ud83d")]
    [InlineData("\ude42a")]
    public void Half_a_surrogate_pair_survives_a_round_trip(string text) =>
        Assert.Equal(text, Wire.RoundTrip(new ReplyText(0, 0, 0, text.AsMemory())).Text.ToString());

    [Fact]
    public void The_default_text_becomes_empty() => Assert.True(Wire.RoundTrip(new ReplyText(0, 0, 0, default)).Text.IsEmpty);

    [Fact]
    public void Only_the_slice_is_written()
    {
        var part = "before the slice after".AsMemory();

        Assert.Equal("the slice", Wire.RoundTrip(new ReplyText(0, 7, 0, part[7..16])).Text.ToString());
        Assert.Equal(Wire.Write(new ReplyText(0, 7, 0, "the slice".AsMemory())), Wire.Write(new ReplyText(0, 7, 0, part[7..16])));
    }

    /// <summary>Orleans numbers the values of a message, and writes a repeated value as a reference to its number.</summary>
    [Fact]
    public void References_after_a_text_are_read_correctly()
    {
        var origin = new ReplyOrigin("b", "coze", new Dictionary<string, string> { ["chat_id"] = "c" });
        ReplyEvent[] events =
        [
            new ReplyText(0, 0, 0, "a".AsMemory()),
            new ReplyCompleted(FinishReason.Stop, null, origin),
            new ReplyReasoning(0, 0, "b".AsMemory()),
            new ReplyFailed(new Error(ErrorCode.Internal, "t"), origin),
        ];
        var sent = new ReplyBatch("t", events, default);

        var received = Wire.RoundTrip(sent);

        Same.Assert(sent, received, nameof(ReplyBatch));
        Assert.Same(((ReplyCompleted)received.Events[1]).Origin, ((ReplyFailed)received.Events[3]).Origin);
    }

    [Fact]
    public void A_text_in_several_buffers_is_read_completely()
    {
        var text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{i}界"));
        var bytes = Wire.Serializer.SerializeToArray<ReplyEvent>(new ReplyText(0, 0, 0, text.AsMemory()));

        var received = (ReplyText)Wire.Serializer.Deserialize<ReplyEvent>(Split(bytes, 7))!;

        Assert.Equal(text, received.Text.ToString());
    }

    [Fact]
    public void Invalid_bytes_are_rejected()
    {
        var bytes = Wire.Write(new ReplyText(0, 0, 0, "ab".AsMemory()));
        var length = bytes.AsSpan().LastIndexOf((byte)((4 << 1) | 1));
        Assert.Equal("a\0b\0"u8, bytes.AsSpan(length + 1, 4));

        bytes[length] = (3 << 1) | 1;
        Assert.Throws<InvalidDataException>(() => Wire.Read(bytes));

        // Longer than the whole message. This is rejected before memory is allocated.
        bytes[length] = (100 << 1) | 1;
        Assert.ThrowsAny<Exception>(() => Wire.Read(bytes));
    }

    private static ReadOnlySequence<byte> Split(byte[] bytes, int size)
    {
        var first = new Segment(bytes.AsMemory(0, size), null);
        var last = first;
        for (var at = size; at < bytes.Length; at += size) last = new Segment(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
