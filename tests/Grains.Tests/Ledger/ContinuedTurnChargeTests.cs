using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What a turn is charged that another activation continues, if the upstream does not return the text that clients have received.</summary>
public class ContinuedTurnChargeTests : GrainTest
{
    private const long Input = 1;
    private const long Reserved = Input + TurnEstimate.DefaultOutput;
    private const string Text = "Hello, wo";

    [Theory]
    [InlineData(0, 9, 0, 5)]
    [InlineData(2, 3, 0, 3)]
    [InlineData(2, 3, 40, 20)]
    [InlineData(0, 0, 0, 0)]
    [InlineData(int.MaxValue, int.MaxValue, 0, TurnEstimate.DefaultOutput)]
    [InlineData(0, 0, long.MaxValue, TurnEstimate.DefaultOutput)]
    public async Task Cancelled_IsChargedWhatItsClientShowsThatItHasReceived(int part, int offset, long received, long output)
    {
        var turn = await BeginAndCrash();
        await Upstream.NextAttached();
        await Show(turn, new Cursor(part, offset), received);

        await GrainOf(turn).Cancel(Tenant, turn.Id);

        Assert.Equal(output > 0 ? Charge(output) : Nothing, ChargeOf(turn.Id));
    }

    [Fact]
    public async Task Cancelled_TheFurthestSubscriberCounts_AlsoIfItHasLeft()
    {
        var turn = await BeginAndCrash();
        await Upstream.NextAttached();
        await Show(turn, Cursor.Start);
        var left = await Show(turn, new Cursor(0, 30));
        await GrainOf(turn).Unsubscribe(turn.Id, left);
        await Show(turn, new Cursor(0, 9));

        await GrainOf(turn).Cancel(Tenant, turn.Id);

        Assert.Equal(Charge(15), ChargeOf(turn.Id));
    }

    [Fact]
    public async Task Cancelled_WhatWasReadAgainCounts_IfItIsMore()
    {
        var turn = await BeginAndCrash();
        var again = await Upstream.NextAttached();
        var subscriber = new RecordingSubscriber();
        await Subscribe(turn, new Cursor(0, 9), subscriber);
        again.Whole("Hello, world: 你好");
        await subscriber.Until(one => one.Text == "rld: 你好");

        await GrainOf(turn).Cancel(Tenant, turn.Id);

        Assert.Equal(Charge(10), ChargeOf(turn.Id));
    }

    [Fact]
    public async Task CancelledForLackOfASubscriber_IsChargedWhatTheLastOneHadReceived()
    {
        var turn = await BeginAndCrash();
        await Upstream.NextAttached();
        await GrainOf(turn).Unsubscribe(turn.Id, await Show(turn, new Cursor(0, 9)));

        await PassUntil(() => ChargeOf(turn.Id).State == (long)ChargeState.Settled);

        Assert.Equal(Charge(5), ChargeOf(turn.Id));
    }

    [Fact]
    public async Task CancelledBeforeAnySubscriberIsBack_IsChargedNothing()
    {
        var turn = await BeginAndCrash(sweep: false);

        await GrainOf(turn).Cancel(Tenant, turn.Id);

        Assert.Equal(Nothing, ChargeOf(turn.Id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CompletedOrFailed_IsChargedAsAnyOther(bool completes)
    {
        var turn = await BeginAndCrash();
        var again = await Upstream.NextAttached();
        var subscriber = new RecordingSubscriber();
        await Show(turn, new Cursor(5, 5_000));
        await Subscribe(turn, Cursor.Start, subscriber);

        again.Whole("Hello, world");
        if (completes) again.Complete();
        else again.Fail(ErrorCode.ContentFiltered);
        await subscriber.UntilEnd();

        Assert.Equal(completes ? ((long)ChargeState.Settled, 1L, 7L, 30L + 400L) : Nothing, ChargeOf(turn.Id));
    }

    [Fact]
    public async Task WaitingTurn_WasNotSent_IsChargedNothing()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say(Text);
        await first.Subscriber.UntilText(Text);
        var waiting = await Begin(Request("chat", "two"));
        await Crash();
        await Upstream.NextAttached();
        await Show(waiting, new Cursor(5, 5_000), received: 5_000);

        await GrainOf(waiting).Cancel(Tenant, waiting.Id);

        Assert.Equal(Nothing, ChargeOf(waiting.Id));
    }

    [Fact]
    public async Task TurnThatStayedOnItsNode_IsChargedItsText_WhateverAClientClaims()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say(Text);
        await turn.Subscriber.UntilText(Text);
        await Show(turn, new Cursor(5, 5_000), received: 5_000);

        await turn.Grain.Cancel(Tenant, turn.Id);

        Assert.Equal(Charge(5), ChargeOf(turn.Id));
    }

    protected override Fleet CreateFleet()
    {
        var fleet = SmallFleet();
        return fleet with
        {
            Tenants = [new TenantDefinition { Id = Tenant, Limits = new LimitsDefinition { Daily = new BudgetDefinition { Requests = 100 } } }],
            Models = [.. fleet.Models.Select(model => model with { Price = new PriceDefinition { Input = 10, Output = 100 } })],
        };
    }

    private static (long State, long Requests, long Tokens, long Credits) Nothing => ((long)ChargeState.Settled, 0, 0, 0);

    private static (long State, long Requests, long Tokens, long Credits) Charge(long output) =>
        ((long)ChargeState.Settled, 1, Input + output, 10 * Input + 100 * output);

    /// <summary>Begins a turn whose client receives <see cref="Text"/> before the node crashes.</summary>
    private async Task<BegunTurn> BeginAndCrash(bool sweep = true)
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say(Text);
        await turn.Subscriber.UntilText(Text);
        await Crash(sweep);
        Assert.Equal(((long)ChargeState.Reserved, 1L, Reserved, 10 * Input + 100 * TurnEstimate.DefaultOutput), ChargeOf(turn.Id));
        return turn;
    }

    /// <summary>Subscribes to a turn, as a reader does that has received something.</summary>
    /// <returns>The id of the subscription.</returns>
    private async Task<string> Show(BegunTurn turn, Cursor after, long received = 0)
    {
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), after, Silo.Feeds.Open(new RecordingSubscriber()).Address) { Received = received };
        await GrainOf(turn).Subscribe(Tenant, turn.Id, subscription);
        return subscription.Id;
    }
}

/// <summary><see cref="ContinuedTurnChargeTests"/>, but messages pass Orleans' serializer, as between the nodes of a cluster.</summary>
public sealed class ContinuedTurnChargeOverTheWireTests : ContinuedTurnChargeTests
{
    protected override bool OverTheWire => true;
}
