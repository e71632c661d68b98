using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Nodes that stop while a turn waits for its bot: what was saved ahead must not count as sent.</summary>
public class PutAwayEarlyTests : GrainTest
{
    // How long a deactivation waits for background work.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    [Theory(Timeout = 60_000)]
    [InlineData(Tenant, null)]
    [InlineData(Tenant, "talk")]
    [InlineData("t2", "talk")]
    public async Task WhoeverComesAfterSendsIt(string tenant, string? conversation)
    {
        var asked = new Checkpoint();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.AfterCall = asked.Wait;
        var request = Request(conversation) with { TenantId = tenant, TurnId = TurnId.New(tenant, conversation) };
        var turn = await Begin(request);
        await asked.Reached;

        var stopping = Silo.StopAsync();
        while (!Silo.Time.IsArmed(StopTimeout)) await Task.Delay(1);
        asked.Continue();
        Hooks.AfterCall = () => Task.CompletedTask;
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, Upstream.OpenedCount);
        await Silo.StartAsync();

        var observer = new RecordingSubscriber();
        await Silo.Grains.GetGrain<IConversationGrain>(turn.Key)
            .Subscribe(tenant, turn.Id, new Subscription("again", Cursor.Start, Silo.Feeds.Open(observer).Address));
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        Assert.Equal(("Hello", "Hi", 1), (observer.Text, exchange.Turn.Messages[^1].Text, Upstream.OpenedCount));
        // The prompt stays only where it would have stayed anyway.
        var prompt = (await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(tenant, turn.Id)).Prompt;
        Assert.Equal(tenant == Tenant && conversation is not null, prompt.Count > 0);
    }
}
