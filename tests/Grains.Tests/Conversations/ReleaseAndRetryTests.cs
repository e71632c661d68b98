using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>When the upstream may release what it keeps for a turn, and how a turn is retried after an error.</summary>
public sealed class ReleaseAndRetryTests : GrainTest
{
    [Fact]
    public async Task Turn_that_ended_is_released_once()
    {
        var turn = await Complete(Request(), "Hello");
        await WaitUntilReleased(1);

        Assert.Equal("c-" + turn.Id, Assert.Single(Upstream.Released).Ids["conversation_id"]);
    }

    [Fact]
    public async Task Turn_that_was_cancelled_is_released()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await turn.Grain.Cancel(Tenant, turn.Id);

        await WaitUntilReleased(1);
    }

    [Fact]
    public async Task Failed_attempt_is_released_before_the_next_attempt()
    {
        var turn = await Begin(Request());
        var first = await Upstream.NextOpened();
        first.Identify().Fail(ErrorCode.UpstreamQuotaExceeded);
        var second = await Upstream.NextOpened();

        Assert.Single(Upstream.Released);
        Assert.Equal((1, 2), (first.Turn.Attempt, second.Turn.Attempt));
        second.Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilEnd();
        await WaitUntilReleased(2);
    }

    [Fact]
    public async Task Turn_whose_node_failed_is_released_by_the_node_where_it_ends()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await Crash();
        (await Upstream.NextAttached()).Whole("xy").Complete();
        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        await resumed.UntilEnd();
        await WaitUntilReleased(1);
    }

    [Fact]
    public async Task Error_that_a_retry_may_solve_is_retried_with_the_same_account()
    {
        await Begin(Request());
        var first = await Upstream.NextOpened();
        first.Identify().Fail(ErrorCode.UpstreamBusy);
        var opened = Upstream.NextOpened();
        await PassUntil(() => opened.IsCompleted);
        var second = await opened;

        Assert.Equal((first.Turn.Bot.Id, first.Turn.Account.Id), (second.Turn.Bot.Id, second.Turn.Account.Id));
    }

    [Fact]
    public async Task Recovery_action_of_the_error_replaces_that_of_its_code()
    {
        await Begin(Request());
        var first = await Upstream.NextOpened();
        // This code usually rotates the account; here the error asks to cool the bot.
        var until = Silo.Time.GetUtcNow() + TimeSpan.FromHours(1);
        first.Identify().Fail(new Error(ErrorCode.UpstreamQuotaExceeded, "No credit.", Until: until) { OwnRecoveryAction = RecoveryAction.CoolBot });
        var second = await Upstream.NextOpened();

        Assert.NotEqual(first.Turn.Bot.Id, second.Turn.Bot.Id);
        var refusal = (await Silo.Grains.GetGrain<IBotGrain>(first.Turn.Bot.Id).Acquire(new LeaseRequest("another", [], null))).Refusal;
        Assert.Equal((until, Silo.Time.GetUtcNow() + TimeSpan.FromSeconds(30)), (refusal?.Error.Until, refusal?.Until));
    }

    [Fact]
    public async Task Failure_before_any_text_is_retried_with_the_same_bot_if_there_is_no_other()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamFailed, "Coze says: internal error."));
        var turn = await Begin(Request(model: "single"));
        var opened = Upstream.NextOpened();
        await PassUntil(() => opened.IsCompleted);
        (await opened).Identify().Fail(ErrorCode.UpstreamFailed);
        opened = Upstream.NextOpened();
        await PassUntil(() => opened.IsCompleted);
        var last = await opened;
        last.Identify().Say("Hello").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.Equal(("single", 3), (last.Turn.Bot.Id, last.Turn.Attempt));
    }

    [Fact]
    public async Task Words_of_the_upstream_about_a_turn_stay_with_that_turn()
    {
        for (var i = 0; i < 2; i++) Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamForbidden, "Coze says: bot 7350 is blocked."));
        var first = await Begin(Request(model: "single"));
        var ended = await first.Subscriber.UntilEnd();
        var second = await Begin(Request(model: "single"));

        Assert.Contains("7350", Assert.IsType<ReplyFailed>(ended).Error.Message, StringComparison.Ordinal);
        var error = Assert.IsType<ReplyFailed>(await second.Subscriber.UntilEnd()).Error;
        Assert.Equal(ErrorCode.UpstreamForbidden, error.Code);
        Assert.DoesNotContain("7350", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conversation_that_the_upstream_lost_is_sent_to_the_same_bot_again()
    {
        await Complete(Request("chat", "one"), "1");
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "No such conversation."));
        var turn = await Begin(Request("chat", "two"));
        var again = await Upstream.NextOpened();

        Assert.Empty(again.Turn.Conversation);
        Assert.Equal(["one", "1", "two"], again.Turn.Messages.Select(message => message.Text));
        again.Identify().Say("2").Complete();
        await turn.Subscriber.UntilEnd();
        Assert.Equal("2", turn.Subscriber.Text);
    }

    /// <summary>The end is delivered before the upstream is asked to release.</summary>
    private async Task WaitUntilReleased(int count)
    {
        for (var i = 0; i < 3_000 && Upstream.Released.Count < count; i++) await Task.Delay(10);
        Assert.Equal(count, Upstream.Released.Count);
    }
}
