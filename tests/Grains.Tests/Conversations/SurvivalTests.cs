using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>The node dies and is started again.</summary>
public class SurvivalTests : GrainTest
{
    [Fact]
    public async Task Crash_InTheMiddleOfAReply_ContinuesExactlyWhereTheClientStood()
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
    public async Task Cancel_AsTheFirstWordAfterACrash_IsToldToTheFarSide()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await Crash(sweep: false);

        await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).Cancel(Tenant, turn.Id);
        Assert.Equal("h-" + turn.Id, (await Upstream.NextCancelled()).Ids["chat_id"]);
    }

    [Fact]
    public async Task Crash_BeforeTheFarSideToldItsIds_IsNeverSentAgain()
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
    public async Task Stop_BeforeTheFarSideToldItsIds_WaitsForThemAndIsResumed()
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
    public async Task Crash_AsSoonAsAReplyThatCameAtOnceIsSeen_FindsItWhole()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilText("Hello");
        await Crash();

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        _ = Answer();
        Assert.IsType<ReplyCompleted>(await resumed.UntilEnd());
        Assert.Equal("Hello", resumed.Text);

        // Only if the node died between its handle and its end.
        async Task Answer() => (await Upstream.NextAttached()).Whole("Hello").Complete();
    }

    [Fact]
    public async Task Crash_WithTurnsWaiting_RunsThemAfterTheOneThatRan()
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
    public async Task Restart_AfterTheEnd_ReplyCanStillBeRead()
    {
        var turn = await Complete(Request(), "Hello");
        await Silo.RestartAsync();
        var read = await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(Tenant, turn.Id);
        Assert.Equal((TurnStatus.Completed, "Hello"), (read.Status, ((TextPart)read.Parts[0]).Text));
    }

    [Fact]
    public async Task Restart_AfterTheEndOfARewrittenReply_TellsWhoHadTheOldTextWhereToCut()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello wor");
        await turn.Subscriber.UntilText("Hello wor");
        var left = turn.Subscriber.Cursor;
        exchange.Whole("Hello, world").Complete();
        await turn.Subscriber.UntilEnd();
        await Silo.RestartAsync();

        var resumed = new RecordingSubscriber();
        await Subscribe(turn, left, resumed);
        await resumed.UntilEnd();
        Assert.Equal((new ReplyRewritten(0, 5), ", world"), (resumed.Events[0], resumed.Text));
    }

    [Fact]
    public async Task Crash_OfATurnThatNobodyComesBackTo_IsCancelledAtTheFarSide()
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
    public async Task Expired_FreshTurn_IsNotThereAnyMore()
    {
        var turn = await Complete(Request(), "Hello");
        await Silo.RestartAsync();
        Silo.Time.Advance(TimeSpan.FromMinutes(61));
        var error = await Assert.ThrowsAsync<ClusterException>(() => Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(Tenant, turn.Id));
        Assert.Equal(ErrorCode.NotFound, error.Code);
    }
}
