using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Conversations that are deactivated: after their turns, and when the node stops.</summary>
public class DeactivationTests : GrainTest
{
    /// <summary>How long a deactivation waits for background work.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long a turn whose node stops waits for the ids of the upstream.</summary>
    private static readonly TimeSpan IdsTimeout = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task UnnamedConversation_AfterItsReply_IsDeactivatedWithinSecondsAndCanBeRead()
    {
        var turn = await Complete(Request(), "Hello");
        var active = Silo.ActivationCount;

        await PassUntil(() => Silo.ActivationCount < active);

        Assert.Equal(active - 1, Silo.ActivationCount);
        Assert.Equal([new TextPart("Hello")], (await turn.Grain.GetTurn(Tenant, turn.Id)).Parts);
    }

    [Fact]
    public async Task NamedConversation_AfterItsReply_StaysActive()
    {
        await Complete(Request("talk"), "Hello");
        var active = Silo.ActivationCount;

        await PassSeconds(60, () => Silo.ActivationCount < active);

        Assert.Equal(active, Silo.ActivationCount);
    }

    [Fact]
    public async Task Stop_WhileThePromptIsBeingSent_DoesNotSendItAgain()
    {
        Upstream.Hold = new TaskCompletionSource();
        var turn = await Begin(Request());
        await PassUntil(() => Upstream.OpenedCount == 1, TimeSpan.FromTicks(1));

        var stopping = Silo.StopAsync();
        // The deactivation waits a few seconds for the ids.
        while (await Task.WhenAny(stopping, Task.Delay(1)) != stopping) Silo.Time.Advance(TimeSpan.FromSeconds(1));
        await stopping;
        Upstream.Hold = null;
        await Silo.StartAsync();

        var observer = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, observer);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await observer.UntilEnd()).Error.Code);
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(Tenant, null)]
    [InlineData(Tenant, "talk")]
    [InlineData("t2", "talk")]
    public async Task Stop_WhileABotIsAsked_TheNextActivationSendsThePrompt(string tenant, string? conversation)
    {
        var acquired = new Checkpoint();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.AfterCall = acquired.Wait;
        var request = Request(conversation) with { TenantId = tenant, TurnId = TestIds.Ids.NewTurn(tenant, conversation) };
        var saves = 0;
        Hooks.AfterCommit = () => Task.FromResult(Interlocked.Increment(ref saves));
        var turn = await Begin(request);
        await acquired.Reached;
        while (Volatile.Read(ref saves) == 0) await Task.Delay(1);

        var intentSaves = Volatile.Read(ref saves);
        var stopping = Silo.StopAsync();
        // The conversation takes its intent back without waiting for the bot.
        while (Volatile.Read(ref saves) == intentSaves) await Task.Delay(1);
        acquired.Continue();
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
        // The prompt is stored only in a named conversation of a tenant that stores prompts.
        var prompt = (await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(tenant, turn.Id)).Prompt;
        Assert.Equal(tenant == Tenant && conversation is not null, prompt.Count > 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task Stop_BeforeTheUpstreamSendsAnything_TheNextActivationSendsThePrompt()
    {
        Upstream.HoldBeforeSending = new TaskCompletionSource();
        var turn = await Begin(Request());
        while (Upstream.OpenedCount == 0) await Task.Delay(1);

        var stopping = Silo.StopAsync();
        while (!Silo.Time.IsArmed(IdsTimeout)) await Task.Delay(1);
        Silo.Time.Advance(IdsTimeout);
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Upstream.HoldBeforeSending = null;
        await Silo.StartAsync();

        Assert.Equal("Hello", await Answer(turn));
    }

    [Fact(Timeout = 60_000)]
    public async Task Stop_BeforeARetry_TheNextActivationSendsThePrompt()
    {
        var returned = new Checkpoint();
        Hooks.Method = nameof(IBotGrain.Return);
        Hooks.AfterCall = returned.Wait;
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamBusy, "Busy."));
        var turn = await Begin(Request());
        // The lease of the attempt that failed is returned; the pause before the retry follows.
        await returned.Reached;

        var stopping = Silo.StopAsync();
        while (!Silo.Time.IsArmed(StopTimeout)) await Task.Delay(1);
        Hooks.AfterCall = () => Task.CompletedTask;
        returned.Continue();
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, Upstream.OpenedCount);
        await Silo.StartAsync();

        Assert.Equal("Hello", await Answer(turn));
    }

    [Fact(Timeout = 60_000)]
    public async Task Deactivation_WhileABotIsAskedAndTheIntentIsNotSaved_TheNextActivationSendsThePrompt()
    {
        var acquired = new Checkpoint();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.AfterCall = acquired.Wait;
        var failures = 0;
        Hooks.BeforeCommit = () =>
        {
            Interlocked.Increment(ref failures);
            throw new ClusterException(ErrorCode.Internal, "The storage failed.");
        };
        var turn = await Begin(Request() with { Survive = true });
        await acquired.Reached;
        while (Volatile.Read(ref failures) == 0) await Task.Delay(1);
        await LetGrainsRun();
        Hooks.AfterCall = () => Task.CompletedTask;
        Hooks.BeforeCommit = () => Task.CompletedTask;

        await TestSilo.DeactivateAsync(turn.Grain);

        var observer = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, observer);
        acquired.Continue();
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        Assert.Equal(("Hello", 1), (observer.Text, Upstream.OpenedCount));
    }

    [Fact(Timeout = 60_000)]
    public async Task Deactivation_WhileASavedTurnIsAboutToBegin_DoesNotEndTheTurnThatTheNextActivationSends()
    {
        var first = await Begin(Request("talk", "one"));
        var exchange = (await Upstream.NextOpened()).Identify();
        // It has to wait, so it is saved.
        var second = await Begin(Request("talk", "two"));
        var picking = new Checkpoint();
        Hooks.Method = nameof(IModelPoolGrain.Pick);
        Hooks.BeforeCall = picking.Wait;
        exchange.Say("1").Complete();
        await first.Subscriber.UntilEnd();
        await picking.Reached;
        Hooks.BeforeCall = () => Task.CompletedTask;

        await TestSilo.DeactivateAsync(second.Grain);

        var observer = new RecordingSubscriber();
        await Subscribe(second, Cursor.Start, observer);
        picking.Continue();
        (await Upstream.NextOpened()).Identify().Say("2").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        Assert.Equal(("2", 2), (observer.Text, Upstream.OpenedCount));
        // The client of this subscription would otherwise send its request again.
        Assert.Null(second.Subscriber.End);
    }

    private async Task<string> Answer(BegunTurn turn)
    {
        var observer = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, observer);
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await observer.UntilEnd());
        return observer.Text;
    }
}
