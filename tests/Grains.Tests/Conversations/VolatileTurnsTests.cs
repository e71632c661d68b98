using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns that are not made durable.</summary>
public sealed class VolatileTurnsTests : HouseTest
{
    protected override ConversationOptions Options => new() { DurableTurns = false };

    [Fact]
    public async Task Crash_OfAFreshTurn_ForgetsIt()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Observer.UntilText("Hello");
        await Crash();

        var gone = await Assert.ThrowsAsync<ClusterException>(() => Listen(turn, Cursor.Start, new RecordingObserver()));
        Assert.Equal((ErrorCode.NotFound, 0), (gone.Code, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Crash_WithATurnWaiting_DoesNotSendTheOneThatRanAgain()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Observer.UntilText("1");
        // That it waits is saved, and with it the turn that runs.
        var second = await Begin(Request("chat", "two"));
        await Crash();

        var resumed = new RecordingObserver();
        await Listen(first, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        var two = await Upstream.NextOpened();
        Assert.Equal(("two", second.Id), (two.Turn.Messages[^1].Text, two.Turn.TurnId));
        two.Identify().Say("2").Complete();
        var waited = new RecordingObserver();
        await Listen(second, Cursor.Start, waited);
        await waited.UntilEnd();
        Assert.Equal(("2", 1), (waited.Text, Upstream.OpenedCount));
    }
}
