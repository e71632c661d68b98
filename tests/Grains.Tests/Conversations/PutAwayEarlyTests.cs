using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Nodes that stop while a turn waits for its bot: what was saved ahead must not count as sent.</summary>
public class PutAwayEarlyTests : HouseTest
{
    // How long a deactivation waits for background work.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    // How long a turn whose node stops waits for the upstream's ids.
    private static readonly TimeSpan IdsTimeout = TimeSpan.FromSeconds(5);

    [Theory(Timeout = 60_000)]
    [InlineData(Tenant, null)]
    [InlineData(Tenant, "talk")]
    [InlineData("t2", "talk")]
    public async Task WhoeverComesAfterSendsIt(string tenant, string? conversation)
    {
        var asked = new Stop();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.AfterCall = asked.Wait;
        var request = Request(conversation) with { TenantId = tenant, TurnId = TurnId.New(tenant, conversation) };
        var turn = await Begin(request);
        await asked.Reached;

        var stopping = House.StopAsync();
        while (!House.Time.IsArmed(StopTimeout)) await Task.Delay(1);
        asked.Go();
        Hooks.AfterCall = () => Task.CompletedTask;
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, Upstream.OpenedCount);
        await House.StartAsync();

        var observer = new RecordingObserver();
        await House.Grains.GetGrain<IConversationGrain>(turn.Key)
            .Subscribe(tenant, turn.Id, new Subscription("again", Cursor.Start, House.Feeds.Open(observer).Address));
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        Assert.Equal(("Hello", "Hi", 1), (observer.Text, exchange.Turn.Messages[^1].Text, Upstream.OpenedCount));
        // The prompt stays only where it would have stayed anyway.
        var prompt = (await House.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(tenant, turn.Id)).Prompt;
        Assert.Equal(tenant == Tenant && conversation is not null, prompt.Count > 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_whose_upstream_had_sent_nothing_yet_is_started_again()
    {
        Upstream.HoldBeforeSending = new TaskCompletionSource();
        var turn = await Begin(Request());
        while (Upstream.OpenedCount == 0) await Task.Delay(1);

        var stopping = House.StopAsync();
        while (!House.Time.IsArmed(IdsTimeout)) await Task.Delay(1);
        House.Time.Advance(IdsTimeout);
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Upstream.HoldBeforeSending = null;
        await House.StartAsync();

        Assert.Equal("Hello", await Answer(turn));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_that_waits_for_its_retry_is_started_again()
    {
        var returned = new Stop();
        Hooks.Method = nameof(IBotGrain.Return);
        Hooks.AfterCall = returned.Wait;
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamBusy, "Busy."));
        var turn = await Begin(Request());
        // The lease of the attempt that failed is returned; the pause before the retry follows.
        await returned.Reached;

        var stopping = House.StopAsync();
        while (!House.Time.IsArmed(StopTimeout)) await Task.Delay(1);
        Hooks.AfterCall = () => Task.CompletedTask;
        returned.Go();
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, Upstream.OpenedCount);
        await House.StartAsync();

        Assert.Equal("Hello", await Answer(turn));
    }

    private async Task<string> Answer(BegunTurn turn)
    {
        var observer = new RecordingObserver();
        await Listen(turn, Cursor.Start, observer);
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        return observer.Text;
    }
}
