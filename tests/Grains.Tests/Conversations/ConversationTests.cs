using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class ConversationTests : GrainTest
{
    [Fact]
    public async Task Begin_NewTurn_DeliversTheReplyToItsEnd()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        exchange.Say("lo").Complete();

        var end = Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal("Hello", turn.Subscriber.Text);
        Assert.Equal(FinishReason.Stop, end.Reason);
        Assert.Equal(new Usage(3, 4, 7), end.Usage);
        Assert.Equal(("b1", "fake", "h-" + turn.Id), (end.Origin!.BotId, end.Origin.Upstream, end.Origin.Ids["chat_id"]));
    }

    [Fact]
    public async Task Begin_SeveralTurns_UseTheBotsInTurn()
    {
        var bots = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            var turn = await Begin(Request());
            var exchange = await Upstream.NextOpened();
            bots.Add(exchange.Turn.Bot.Id);
            exchange.Identify().Say("x").Complete();
            await turn.Subscriber.UntilEnd();
        }
        Assert.Equal(["b1", "b2", "b1", "b2"], bots);
    }

    [Fact]
    public async Task Begin_NamedConversation_StaysOnItsBotAndSendsOnlyNewMessages()
    {
        await Complete(Request("chat", "Hi"), "Hello");
        await Complete(Request(), "other reply");
        var turn = await Begin(Request("chat", "Bye"));
        var exchange = await Upstream.NextOpened();

        Assert.Equal("b1", exchange.Turn.Bot.Id);
        Assert.Equal("Bye", Assert.Single(exchange.Turn.Messages).Text);
        Assert.StartsWith("c-", exchange.Turn.Conversation["conversation_id"]);
        exchange.Identify().Complete();
        await turn.Subscriber.UntilEnd();
    }

    [Fact]
    public async Task Begin_UpstreamLostTheConversation_StartsANewOneWithTheHistory()
    {
        await Complete(Request("chat", "Hi"), "Hello");
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "No such conversation."));
        var turn = await Begin(Request("chat", "Bye"));
        var exchange = await Upstream.NextOpened();

        Assert.Equal(("b1", 3), (exchange.Turn.Bot.Id, Upstream.OpenedCount));
        Assert.Empty(exchange.Turn.Conversation);
        Assert.Equal(["Hi", "Hello", "Bye"], exchange.Turn.Messages.Select(message => message.Text));
        exchange.Identify().Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Begin_UpstreamDoesNotKnowTheBot_TriesTheNextBotAtOnce()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "No such bot."));
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Complete();

        Assert.Equal(("b2", 2), (exchange.Turn.Bot.Id, Upstream.OpenedCount));
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Begin_AccountRefused_TriesTheNextAccount()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamQuotaExceeded, "No credit."));
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("ok").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal(("b1", 2), (exchange.Turn.Bot.Id, Upstream.OpenedCount));
        Assert.Equal("a2", exchange.Turn.Account.Id);
    }

    [Fact]
    public async Task Begin_BotFailedBeforeAnyText_TriesTheNextBot()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Fail(ErrorCode.UpstreamFailed);
        var second = await Upstream.NextOpened();
        second.Identify().Say("ok").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal(("b2", "ok"), (second.Turn.Bot.Id, turn.Subscriber.Text));
    }

    [Fact]
    public async Task Begin_NextAttemptIsNotResumable_IsDeliveredAsItArrives()
    {
        var turn = await Begin(Request());
        var first = await Upstream.NextOpened();
        Upstream.CanReattach = false;
        first.Fail(ErrorCode.UpstreamFailed);
        (await Upstream.NextOpened()).Identify().Say("so far");
        await turn.Subscriber.UntilText("so far");
    }

    [Fact]
    public async Task Begin_UpstreamReportsNoIds_IsDeliveredAsItArrives()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        exchange.Say("lo").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal("Hello", turn.Subscriber.Text);
    }

    [Fact]
    public async Task Begin_ErrorThatARetryCannotSolve_IsReportedAtOnce()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.ContextLengthExceeded, "Too long."));
        var turn = await Begin(Request());
        var end = Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd());
        Assert.Equal((ErrorCode.ContextLengthExceeded, 1), (end.Error.Code, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Begin_EveryAttemptFails_EndsWithTheLastError()
    {
        for (var i = 0; i < 9; i++) Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamFailed, $"Failure {i}."));
        var turn = await Begin(Request());
        var ended = turn.Subscriber.UntilEnd();
        await PassUntil(() => ended.IsCompleted);
        var end = Assert.IsType<ReplyFailed>(await ended);
        Assert.Equal(ErrorCode.UpstreamFailed, end.Error.Code);
        // Both bots, and the last of them once more.
        Assert.Equal(Options.MaxAttempts, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Failure_AfterText_IsReportedWithoutARetry()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hel").Fail(ErrorCode.UpstreamFailed);
        var end = Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd());
        Assert.Equal((ErrorCode.UpstreamFailed, "Hel", 1), (end.Error.Code, turn.Subscriber.Text, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Connection_LostInTheMiddle_ExchangeIsFoundAgainAndOnlyTheRestIsDelivered()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello, wo");
        await turn.Subscriber.UntilText("Hello, wo");
        exchange.Break();
        var again = await Upstream.NextAttached();
        again.Whole("Hello, world").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal(("Hello, world", 1), (turn.Subscriber.Text, Upstream.OpenedCount));
        Assert.Equal("h-" + turn.Id, again.AttachedTo!.Ids["chat_id"]);
        Assert.DoesNotContain(turn.Subscriber.Events, one => one is ReplyRewritten);
    }

    [Fact]
    public async Task Connection_LostWhileNodesCannotReachEachOther_ExchangeIsFoundAgain()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello, wo");
        await turn.Subscriber.UntilText("Hello, wo");
        Upstream.Losses.Enqueue(new ClusterException(ErrorCode.CallRejected, "The call could not be delivered."));
        exchange.Break(ErrorCode.CallRejected);
        var attached = Upstream.NextAttached();
        await PassUntil(() => attached.IsCompleted);
        (await attached).Whole("Hello, world").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal(("Hello, world", 1), (turn.Subscriber.Text, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Cancel_RunningTurn_CancelsAtTheUpstreamAndEndsTheReply()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        await turn.Grain.Cancel(Tenant, turn.Id);

        Assert.Equal("h-" + turn.Id, (await Upstream.NextCancelled()).Ids["chat_id"]);
        Assert.Equal(ErrorCode.Cancelled, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        await exchange.Closed;
        Assert.Equal(TurnStatus.Cancelled, (await turn.Grain.GetTurn(Tenant, turn.Id)).Status);
    }

    [Fact]
    public async Task Cancel_BeforeTheIdsAreKnown_WaitsForThemAndCancelsAtTheUpstream()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        var cancelled = turn.Grain.Cancel(Tenant, turn.Id);
        exchange.Identify();

        Assert.Equal("h-" + turn.Id, (await Upstream.NextCancelled()).Ids["chat_id"]);
        await cancelled;
    }

    [Fact]
    public async Task Cancel_WaitingTurn_IsNeverSent()
    {
        var first = await Begin(Request("chat"));
        var exchange = await Upstream.NextOpened();
        var second = await Begin(Request("chat"));
        await second.Grain.Cancel(Tenant, second.Id);
        Assert.Equal(ErrorCode.Cancelled, Assert.IsType<ReplyFailed>(await second.Subscriber.UntilEnd()).Error.Code);

        exchange.Identify().Say("x").Complete();
        await first.Subscriber.UntilEnd();
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_WhileATurnRuns_RunsAfterIt()
    {
        var first = await Begin(Request("chat", "one"));
        var one = await Upstream.NextOpened();
        var second = await Begin(Request("chat", "two"));
        Assert.Equal(TurnStatus.Queued, (await second.Grain.GetTurn(Tenant, second.Id)).Status);
        one.Identify().Say("1").Complete();
        var two = await Upstream.NextOpened();
        two.Identify().Say("2").Complete();

        await first.Subscriber.UntilEnd();
        await second.Subscriber.UntilEnd();
        Assert.Equal(("1", "2"), (first.Subscriber.Text, second.Subscriber.Text));
    }

    [Fact]
    public async Task Begin_TooManyWaitingTurns_IsRefusedWithARetryTime()
    {
        for (var i = 0; i < 9; i++) await Begin(Request("chat"));
        var error = await Assert.ThrowsAsync<ClusterException>(() => Begin(Request("chat")));
        Assert.Equal(ErrorCode.ConversationBusy, error.Code);
        Assert.NotNull(error.Until);
    }

    [Fact]
    public async Task Begin_SameTurnTwice_IsSentOnceAndDeliveredTwice()
    {
        var request = Request() with { Fingerprint = "f" };
        var first = await Begin(request);
        var second = await Begin(request);
        (await Upstream.NextOpened()).Identify().Say("once").Complete();

        await first.Subscriber.UntilEnd();
        await second.Subscriber.UntilEnd();
        Assert.Equal(("once", "once", 1), (first.Subscriber.Text, second.Subscriber.Text, Upstream.OpenedCount));
        var error = await Assert.ThrowsAsync<ClusterException>(() => Begin(request with { Fingerprint = "another" }));
        Assert.Equal(ErrorCode.IdempotencyMismatch, error.Code);
    }

    [Fact]
    public async Task AnyCall_OfAnotherTenant_ThrowsNotFound()
    {
        var turn = await Complete(Request("chat"), "secret");
        var subscriber = new RecordingSubscriber();
        Func<Task>[] calls =
        [
            () => turn.Grain.GetTurn("t2", turn.Id),
            () => turn.Grain.Cancel("t2", turn.Id),
            () => turn.Grain.Read("t2", turn.Id, Cursor.Start, 100),
            () => turn.Grain.Subscribe("t2", turn.Id, new Subscription("s", Cursor.Start, Silo.Feeds.Open(subscriber).Address)),
            () => turn.Grain.GetConversation("t2"),
            () => turn.Grain.Rename("t2", "mine"),
            () => turn.Grain.Delete("t2"),
            () => turn.Grain.GetTurn(Tenant, TestIds.Ids.NewTurn(Tenant, "chat")),
        ];
        foreach (var call in calls) Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(call)).Code);
        Assert.Equal("secret", ((TextPart)(await turn.Grain.GetTurn(Tenant, turn.Id)).Parts[0]).Text);
    }

    [Fact]
    public async Task Subscribe_AfterTheEnd_DeliversOnlyTheRest()
    {
        var turn = await Complete(Request(), "Hello, world");
        var subscriber = new RecordingSubscriber();
        await Subscribe(turn, new Cursor(0, 7), subscriber);
        await subscriber.UntilEnd();
        Assert.Equal("world", subscriber.Text);
    }

    [Fact]
    public async Task Conversation_ListReadRenameDelete_Succeed()
    {
        var turn = await Complete(Request("chat", "Hi"), "Hello");
        await turn.Grain.Rename(Tenant, "Greetings");
        var log = Silo.Grains.GetGrain<ITurnLogGrain>(GrainKeys.TurnLog);
        var listed = Assert.Single(await log.ListConversations(Tenant, null, 10));
        Assert.Equal(("chat", "Greetings", 1), (listed.Name, listed.Title, listed.Turns));

        var read = Assert.Single((await turn.Grain.GetConversation(Tenant)).Turns);
        Assert.Equal(("Hi", "Hello"), (read.Prompt[0].Text, ((TextPart)read.Parts[0]).Text));

        await turn.Grain.Delete(Tenant);
        Assert.Empty(await log.ListConversations(Tenant, null, 10));
        await Assert.ThrowsAsync<ClusterException>(() => turn.Grain.GetConversation(Tenant));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(() => turn.Grain.Delete(Tenant))).Code);
    }

    [Fact]
    public async Task Delete_WhileATurnWaits_EndsTheWaitingTurnFirst()
    {
        var hold = Upstream.HoldCancel = new TaskCompletionSource();
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        var second = await Begin(Request("chat", "two"));

        var deleted = first.Grain.Delete(Tenant);

        Assert.Equal(ErrorCode.Cancelled, Assert.IsType<ReplyFailed>(await second.Subscriber.UntilEnd()).Error.Code);
        Assert.Null(first.Subscriber.End);
        hold.SetResult();
        await deleted;
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Conversation_TenantWithoutStoredConversations_StoresNoPrompt()
    {
        var turn = await Complete(Request("chat", "private") with { TenantId = "t2", TurnId = TestIds.Ids.NewTurn("t2", "chat") }, "Hello");
        var read = Assert.Single((await turn.Grain.GetConversation("t2")).Turns);
        Assert.Empty(read.Prompt);
    }
}
