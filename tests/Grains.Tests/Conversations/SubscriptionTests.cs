using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class SubscriptionTests : GrainTest
{
    [Fact]
    public async Task Silence_OfTwoSeconds_CausesAHeartbeat()
    {
        var turn = await Begin(Request());
        await Upstream.NextOpened();
        await PassUntil(() => turn.Subscriber.EmptyBatches > 0);
        Assert.Empty(turn.Subscriber.Events);
    }

    [Fact]
    public async Task Turn_WithoutASubscriber_IsCancelledAfterTheGracePeriod()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        await turn.Grain.Unsubscribe(turn.Id, turn.SubscriptionId);
        var cancelled = Upstream.NextCancelled();
        await PassUntil(() => cancelled.IsCompleted);

        await cancelled;
        await turn.Grain.Cancel(Tenant, turn.Id);
        Assert.Equal(TurnStatus.Cancelled, (await turn.Grain.GetTurn(Tenant, turn.Id)).Status);
    }

    [Fact]
    public async Task Turn_WithoutASubscriberThatMaySurvive_Continues()
    {
        var turn = await Begin(Request() with { Survive = true });
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        await turn.Grain.Unsubscribe(turn.Id, turn.SubscriptionId);
        await PassSeconds(40, () => false);
        Assert.Equal(TurnStatus.Running, (await turn.Grain.GetTurn(Tenant, turn.Id)).Status);

        exchange.Say("lo").Complete();
        var subscriber = new RecordingSubscriber();
        await Subscribe(turn, turn.Subscriber.Cursor, subscriber);
        await subscriber.UntilEnd();
        Assert.Equal("lo", subscriber.Text);
    }

    [Fact]
    public async Task Subscriber_ThatIsFull_ReadsFromItsCursorAndMissesNothing()
    {
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("one ");
        await turn.Subscriber.UntilText("one ");
        var refusal = new TaskCompletionSource();
        turn.Subscriber.Answer = _ =>
        {
            refusal.TrySetResult();
            return ReplyAck.Full;
        };
        exchange.Say("two ");
        await refusal.Task.WaitAsync(TimeSpan.FromSeconds(30));

        turn.Subscriber.Answer = _ => ReplyAck.Taken;
        var read = await turn.Grain.Read(Tenant, turn.Id, turn.Subscriber.Cursor, 1000);
        turn.Subscriber.Add(read);
        await Subscribe(turn, turn.Subscriber.Cursor, turn.Subscriber);
        exchange.Say("three").Complete();
        await turn.Subscriber.UntilEnd();
        Assert.Equal("one two three", turn.Subscriber.Text);
    }

    [Fact]
    public async Task Process_ThatNeverAnswers_DoesNotDelayAnother()
    {
        var request = Request() with { Fingerprint = "f" };
        using var stuck = new StuckProcess(Silo.Grains);
        var fast = await Begin(request);
        await fast.Grain.Subscribe(Tenant, fast.Id, new Subscription("stuck", Cursor.Start, stuck.Feed));
        (await Upstream.NextOpened()).Identify().Say("all").Complete();

        await fast.Subscriber.UntilEnd();
        Assert.Equal("all", fast.Subscriber.Text);
    }

    [Fact]
    public async Task RenewalOfTheLease_IsSlow_HeartbeatsContinue()
    {
        var held = new Checkpoint();
        var turn = await Begin(Request("talk"));
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        (Hooks.Method, Hooks.BeforeCall) = (nameof(IBotGrain.Renew), held.Wait);
        await PassUntil(() => held.IsReached);

        var before = turn.Subscriber.EmptyBatches;
        await PassSeconds(10, () => turn.Subscriber.EmptyBatches >= before + 3);
        Assert.True(turn.Subscriber.EmptyBatches >= before + 3);

        held.Continue();
        await turn.Grain.Cancel(Tenant, turn.Id);
        await turn.Subscriber.UntilEnd();
    }

    [Fact]
    public async Task Lease_OfARunningTurn_IsRenewedAndReturned()
    {
        var turn = await Begin(Request(model: "single"));
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await PassSeconds(65, () => false);

        // The bot runs one turn at a time. After twice the lifetime of a lease, it is still in use.
        var second = await Begin(Request(model: "single"));
        Assert.Equal(ErrorCode.NoBotAvailable, Assert.IsType<ReplyFailed>(await second.Subscriber.UntilEnd()).Error.Code);
        exchange.Complete();
        await turn.Subscriber.UntilEnd();
        await turn.Grain.Cancel(Tenant, turn.Id);
        await Complete(Request(model: "single"), "free again");
    }

    [Theory]
    [InlineData("first")]
    [InlineData("idle")]
    [InlineData("total")]
    public async Task Upstream_SilentForLongerThanATimeout_EndsTheTurnAndIsCancelled(string timeout)
    {
        var turn = await Begin(Request(model: "impatient"));
        var exchange = await Upstream.NextOpened();
        if (timeout != "first")
        {
            exchange.Identify().Say("x");
            await turn.Subscriber.UntilText("x");
        }
        // The clock advances exactly by the timeout and then stands still, because shortly after that the turn would end for another reason.
        if (timeout == "total")
        {
            for (var i = 0; i < 30 && turn.Subscriber.End is null; i++)
            {
                var before = turn.Subscriber.Text.Length;
                exchange.Say("y");
                await turn.Subscriber.Until(observer => observer.Text.Length > before || observer.End is not null);
                Silo.Time.Advance(TimeSpan.FromSeconds(1));
            }
        }
        else
        {
            Silo.Time.Advance(TimeSpan.FromSeconds(timeout == "first" ? 5 : 8));
        }
        // As a gateway does: if the last batch was not acknowledged yet when the clock advanced, the subscription has ended.
        await Subscribe(turn, turn.Subscriber.Cursor, turn.Subscriber);
        var end = Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd());
        Assert.Equal(ErrorCode.UpstreamTimeout, end.Error.Code);
        var expected = timeout switch { "first" => "sent nothing for 5 s", "idle" => "was silent for 8 s", _ => "took longer than 20 s" };
        Assert.Contains(expected, end.Error.Message);
        if (timeout != "first") await Upstream.NextCancelled();
    }
}
