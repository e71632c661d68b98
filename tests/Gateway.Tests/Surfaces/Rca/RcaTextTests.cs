using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Rca;
using CozeCluster.Gateway.Tests.Fakes;
using CozeCluster.TestKit;

namespace CozeCluster.Gateway.Tests.Surfaces.Rca;

public sealed class RcaTextTests
{
    private const int Pieces = 2000;
    private const int PieceLength = 10;

    private readonly ManualTime _time = new();
    private readonly RcaText _text;

    public RcaTextTests() => _text = new RcaText(new ReplyAddresses("http://host"), _time);

    [Fact]
    public void LongReplyInSmallPieces_IsNotRepeatedForEachPiece()
    {
        var sent = Enumerable.Range(0, Pieces).Sum(piece => TakeAfter(piece)?.Length ?? 0);

        // Otherwise 2000 texts with 10 KB on average: a thousand times the reply.
        Assert.InRange(sent, Pieces * PieceLength, 100 * Pieces * PieceLength);
        Assert.True(_text.HasNew);
        Assert.Equal(Pieces * PieceLength, _text.TakeDue(isIdle: true)?.Length);
        Assert.Null(_text.TakeDue(isIdle: true));
    }

    [Fact]
    public void SlowReply_IsSentWithEachPiece()
    {
        for (var piece = 0; piece < Pieces; piece++)
        {
            _time.Advance(RcaText.DueAfter);
            Assert.Equal((piece + 1) * PieceLength, TakeAfter(piece)?.Length);
        }
    }

    [Fact]
    public void RewrittenText_IsNew()
    {
        TakeAfter(0);

        _text.Add(new ReplyBatch("turn", [new ReplyRewritten(0, 4), Reply.Text("x", offset: 4)], new Cursor(0, 5, 1)));

        Assert.Equal("0123x", _text.TakeDue(isIdle: true));
    }

    private string? TakeAfter(int piece)
    {
        _text.Add(new ReplyBatch("turn", [Reply.Text("0123456789", offset: piece * PieceLength)], new Cursor(0, (piece + 1) * PieceLength)));
        return _text.TakeDue(isIdle: false);
    }
}
