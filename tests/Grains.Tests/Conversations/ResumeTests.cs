using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns whose node fails or stops, and another one starts.</summary>
public class ResumeTests : GrainTest
{
    [Fact]
    public async Task Crash_InTheMiddleOfAReply_ContinuesAtTheCursorOfTheClient()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello, wo");
        await turn.Subscriber.UntilText("Hello, wo");
        await Crash();

        var again = await Upstream.NextAttached();
        var resumed = new RecordingSubscriber();
        await Subscribe(turn, turn.Subscriber.Cursor, resumed);
        again.Whole("Hello, world").Complete();
        await resumed.UntilEnd();
        Assert.Equal(("rld", 0), (resumed.Text, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Cancel_AsTheFirstCallAfterACrash_CancelsAtTheUpstream()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await Crash(sweep: false);

        await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).Cancel(Tenant, turn.Id);
        Assert.Equal("h-" + turn.Id, (await Upstream.NextCancelled()).Ids["chat_id"]);
    }

    [Fact]
    public async Task Crash_BeforeTheIdsAreKnown_IsNeverSentAgain()
    {
        var turn = await Begin(Request());
        await Upstream.NextOpened();
        await Crash();

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        Assert.Equal(0, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Stop_BeforeTheIdsAreKnown_WaitsForThemAndIsResumed()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        var restarting = Silo.RestartAsync();
        // The deactivation waits for background work.
        while (!Silo.Time.IsArmed(TimeSpan.FromSeconds(10))) await Task.Delay(1);
        exchange.Identify().Say("Hello, wo");
        await restarting;

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        (await Upstream.NextAttached()).Whole("Hello, world").Complete();
        Assert.IsType<ReplyCompleted>(await resumed.UntilEnd());
        Assert.Equal(("Hello, world", 1), (resumed.Text, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Crash_WhenACompleteReplyWasJustDelivered_RestoresTheWholeReply()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilText("Hello");
        await Crash();

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        _ = AnswerIfAttached();
        Assert.IsType<ReplyCompleted>(await resumed.UntilEnd());
        Assert.Equal("Hello", resumed.Text);

        // Happens only if the node failed after it saved the handle and before it saved the end.
        async Task AnswerIfAttached() => (await Upstream.NextAttached()).Whole("Hello").Complete();
    }

    [Fact]
    public async Task Crash_WithAWaitingTurn_RunsItAfterTheResumedTurn()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        var second = await Begin(Request("chat", "two"));
        await Crash();

        (await Upstream.NextAttached()).Whole("1").Complete();
        var two = await Upstream.NextOpened();
        Assert.Equal("two", two.Turn.Messages[^1].Text);
        two.Identify().Say("2").Complete();
        var resumed = new RecordingSubscriber();
        await Subscribe(second, Cursor.Start, resumed);
        await resumed.UntilEnd();
        Assert.Equal("2", resumed.Text);
    }

    [Fact]
    public async Task Restart_AfterTheEnd_TheReplyCanBeRead()
    {
        var turn = await Complete(Request(), "Hello");
        await Silo.RestartAsync();
        var read = await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(Tenant, turn.Id);
        Assert.Equal((TurnStatus.Completed, "Hello"), (read.Status, ((TextPart)read.Parts[0]).Text));
    }

    [Fact]
    public async Task Restart_AfterTheEndOfARewrittenReply_ReportsTheRewriteToOldCursors()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello wor");
        await turn.Subscriber.UntilText("Hello wor");
        var oldCursor = turn.Subscriber.Cursor;
        exchange.Whole("Hello, world").Complete();
        await turn.Subscriber.UntilEnd();
        await Silo.RestartAsync();

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, oldCursor, resumed);
        await resumed.UntilEnd();
        Assert.Equal((new ReplyRewritten(0, 5), ", world"), (resumed.Events[0], resumed.Text));
    }

    [Fact]
    public async Task Crash_ClientDoesNotReturn_TurnIsCancelledAtTheUpstream()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await Crash();
        await Upstream.NextAttached();
        var cancelled = Upstream.NextCancelled();
        await PassUntil(() => cancelled.IsCompleted);
        await cancelled;
    }

    [Fact]
    public async Task Read_ExpiredTurn_ThrowsNotFound()
    {
        var turn = await Complete(Request(), "Hello");
        await Silo.RestartAsync();
        Silo.Time.Advance(TimeSpan.FromMinutes(61));
        var grain = Silo.Grains.GetGrain<IConversationGrain>(turn.Key);
        var error = await Assert.ThrowsAsync<ClusterException>(() => grain.GetTurn(Tenant, turn.Id));
        Assert.Equal(ErrorCode.NotFound, error.Code);
    }
}
