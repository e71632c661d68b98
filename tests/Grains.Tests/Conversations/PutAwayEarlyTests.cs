using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Nodes that stop while a turn waits for its bot: what was saved ahead must not count as sent.</summary>
public class PutAwayEarlyTests : HouseTest
{
    // How long an engine waits for the work of a grain that it puts away.
    private static readonly TimeSpan WorkPatience = TimeSpan.FromSeconds(10);

    protected override IReadOnlyList<GrainDefinition> Definitions =>
        [.. base.Definitions.Where(definition => definition.Interface != typeof(IBotGrain)), GrainDefinition.Of<IBotGrain, SlowBot>("bot")];

    [Theory(Timeout = 60_000)]
    [InlineData(Tenant, null)]
    [InlineData(Tenant, "talk")]
    [InlineData("t2", "talk")]
    public async Task WhoeverComesAfterSendsIt(string tenant, string? conversation)
    {
        SlowBot.Answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        SlowBot.Asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = Request(conversation) with { TenantId = tenant, TurnId = TurnId.New(tenant, conversation) };
        var turn = await Begin(request);
        await SlowBot.Asked.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var stopping = House.StopAsync();
        while (House.Time.NextDue - House.Time.GetUtcNow() is not { } due || due > WorkPatience) await Task.Yield();
        SlowBot.Answer.SetResult();
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, Upstream.OpenedCount);
        await House.StartAsync();

        var observer = new RecordingObserver();
        await House.Grains.Get<IConversationGrain>(turn.Key)
            .Subscribe(tenant, turn.Id, new Subscription("again", Cursor.Start), House.Grains.Observe<IReplyObserver>(observer).Reference);
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        Assert.Equal(("Hello", "Hi", 1), (observer.Text, exchange.Turn.Messages[^1].Text, Upstream.OpenedCount));
        // The prompt stays only where it would have stayed anyway.
        var prompt = (await House.Grains.Get<IConversationGrain>(turn.Key).GetTurn(tenant, turn.Id)).Prompt;
        Assert.Equal(tenant == Tenant && conversation is not null, prompt.Count > 0);
    }

    /// <summary>Grants a lease of itself when the test says so.</summary>
    private sealed class SlowBot(IGrainContext context) : IBotGrain
    {
        public static TaskCompletionSource Asked { get; set; } = new();

        public static TaskCompletionSource Answer { get; set; } = new();

        public async Task<LeaseResult> Acquire(LeaseRequest request)
        {
            var catalog = context.Grains.Get<ICatalogGrain>(GrainKeys.Catalog);
            var bot = await catalog.FindBot(context.Key);
            var account = await catalog.FindAccount(bot!.Accounts[0]);
            Asked.TrySetResult();
            await Answer.Task;
            return new LeaseResult(new Lease(request.LeaseId, bot, account!), null);
        }

        public Task Renew(string leaseId, string accountId) => Task.CompletedTask;

        public Task Return(string leaseId, string accountId, LeaseOutcome outcome) => Task.CompletedTask;

        public Task KeepActive() => Task.CompletedTask;

        public Task<ReplyCadence?> Cadence() => Task.FromResult<ReplyCadence?>(null);

        public Task Learn(ReplySample sample) => Task.CompletedTask;
    }
}
