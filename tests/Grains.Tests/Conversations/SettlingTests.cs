using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>When the far side may let go of what it keeps for a turn, and what is tried after an error.</summary>
public sealed class SettlingTests : GrainTest
{
    [Fact]
    public async Task Turn_that_ended_is_settled_once()
    {
        var turn = await Complete(Request(), "Hello");
        await UntilSettled(1);

        Assert.Equal("c-" + turn.Id, Assert.Single(Upstream.Released).Ids["conversation_id"]);
    }

    [Fact]
    public async Task Turn_that_was_cancelled_is_settled()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await turn.Grain.Cancel(Tenant, turn.Id);

        await UntilSettled(1);
    }

    [Fact]
    public async Task Try_that_failed_is_settled_before_the_next_one_which_is_known_as_another()
    {
        var turn = await Begin(Request());
        var first = await Upstream.NextOpened();
        first.Identify().Fail(ErrorCode.UpstreamQuotaExceeded);
        var second = await Upstream.NextOpened();

        Assert.Single(Upstream.Released);
        Assert.Equal((1, 2), (first.Turn.Attempt, second.Turn.Attempt));
        second.Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilEnd();
        await UntilSettled(2);
    }

    [Fact]
    public async Task Turn_whose_node_died_is_settled_where_it_ends()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await Crash();
        (await Upstream.NextAttached()).Whole("xy").Complete();
        var resumed = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, resumed);
        await resumed.UntilEnd();
        await UntilSettled(1);
    }

    [Fact]
    public async Task Error_that_a_second_try_may_cure_is_tried_with_the_same_account()
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
    public async Task Errors_own_cure_comes_before_its_codes()
    {
        await Begin(Request());
        var first = await Upstream.NextOpened();
        // Usually the account's; here the bot's.
        first.Identify().Fail(new Error(ErrorCode.UpstreamQuotaExceeded, "No more.", Until: Silo.Time.GetUtcNow() + TimeSpan.FromHours(1)) { OwnRecoveryAction = RecoveryAction.CoolBot });
        var second = await Upstream.NextOpened();

        Assert.NotEqual(first.Turn.Bot.Id, second.Turn.Bot.Id);
        var refused = (await Silo.Grains.GetGrain<IBotGrain>(first.Turn.Bot.Id).Acquire(new LeaseRequest("another", [], null))).Refusal;
        Assert.Equal(Silo.Time.GetUtcNow() + TimeSpan.FromHours(1), refused?.Until);
    }

    [Fact]
    public async Task Conversation_that_the_far_side_forgot_is_told_to_the_same_bot_anew()
    {
        await Complete(Request("chat", "one"), "1");
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "Gone."));
        var turn = await Begin(Request("chat", "two"));
        var again = await Upstream.NextOpened();

        Assert.Empty(again.Turn.Conversation);
        Assert.Equal(["one", "1", "two"], again.Turn.Messages.Select(message => message.Text));
        again.Identify().Say("2").Complete();
        await turn.Subscriber.UntilEnd();
        Assert.Equal("2", turn.Subscriber.Text);
    }

    /// <summary>The end is told before all that follows from it is done.</summary>
    private async Task UntilSettled(int count)
    {
        for (var i = 0; i < 3_000 && Upstream.Released.Count < count; i++) await Task.Delay(10);
        Assert.Equal(count, Upstream.Released.Count);
    }
}
