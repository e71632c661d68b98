using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Calls and events that arrive while a conversation waits for a save or for another grain.</summary>
public class InterleavingTests : GrainTest
{
    public InterleavingTests() => Hooks.Method = nameof(ITenantGrain.Admit);

    [Fact]
    public async Task End_WhileTheHandleIsBeingSaved_IsDeliveredWhenTheEndIsSaved()
    {
        var (handle, end) = (new Checkpoint(), new Checkpoint());
        var saves = 0;
        Hooks.AfterCommit = () => ++saves switch { 2 => handle.Wait(), 3 => end.Wait(), _ => Task.CompletedTask };
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await handle.Reached;
        exchange.Complete();
        await WaitUntilEnded(turn);

        handle.Continue();
        await end.Reached;

        Assert.Null(turn.Subscriber.End);
        end.Continue();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task End_OfATurnThatCannotBeResumed_IsDeliveredWhenItIsSaved()
    {
        Upstream.CanReattach = false;
        var end = new Checkpoint();
        Hooks.AfterCommit = end.Wait;
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        exchange.Complete();
        await end.Reached;
        await LetGrainsRun();

        Assert.Null(turn.Subscriber.End);
        end.Continue();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task SecondAttempt_WhileTheFirstHandleIsBeingSaved_IsDeliveredWhenItsOwnHandleIsSaved()
    {
        var (first, second) = (new Checkpoint(), new Checkpoint());
        var saves = 0;
        // The saves are: intent, handle, intent, handle.
        Hooks.AfterCommit = () => ++saves switch { 2 => first.Wait(), 4 => second.Wait(), _ => Task.CompletedTask };
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify();
        await first.Reached;
        exchange.Fail(ErrorCode.UpstreamUnavailable);
        await LetGrainsRun();
        first.Continue();

        (await Upstream.NextOpened()).Identify().Say("Hello");
        await second.Reached;
        await LetGrainsRun();

        Assert.Equal("", turn.Subscriber.Text);
        second.Continue();
        await turn.Subscriber.UntilText("Hello");
    }

    [Fact]
    public async Task Queue_EndOfATurnCannotBeSaved_RunsTheNextTurn()
    {
        var first = await Begin(Request("chat", "one"));
        var exchange = (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        var second = await Begin(Request("chat", "two"));
        // The storage of a cluster can fail with any exception.
        var saves = 0;
        Hooks.BeforeCommit = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        exchange.Complete();

        (await Upstream.NextOpened()).Identify().Say("2").Complete();
        Assert.IsType<ReplyCompleted>(await second.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task End_ThatCouldNotBeSaved_IsSavedLater()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var saves = 0;
        Hooks.BeforeCommit = () => ++saves <= 2 ? throw new ClusterException(ErrorCode.Internal, "The storage failed.") : Task.CompletedTask;
        exchange.Complete();
        await turn.Subscriber.UntilEnd();

        await PassUntil(() => saves == 3);
        await Silo.RestartAsync();

        Assert.Equal(TurnStatus.Completed, (await GrainOf(turn).GetTurn(Tenant, turn.Id)).Status);
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_WaitingTurnCannotBeSaved_IsRefusedAndRemoved()
    {
        var first = await Begin(Request("chat", "one"));
        var exchange = (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        Hooks.BeforeCommit = () => throw new TimeoutException();
        var request = Request("chat", "two");
        await Assert.ThrowsAsync<ClusterException>(() => Begin(request));
        Hooks.BeforeCommit = () => Task.CompletedTask;
        exchange.Complete();
        await first.Subscriber.UntilEnd();

        Assert.Single((await first.Grain.GetConversation(Tenant)).Turns);
        var again = await Complete(request, "2");
        Assert.Equal("2", again.Subscriber.Text);
        Assert.Equal(2, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_WhenTheConversationCouldBeDeactivated_KeepsItActive()
    {
        var first = await Complete(Request(), "1");
        var admission = new Checkpoint();
        Hooks.BeforeCall = admission.Wait;
        var beginning = Begin(Request() with { TurnId = TestIds.Ids.NewTurnAfter(Tenant, first.Id) });
        await admission.Reached;
        // The first turn has no subscriber any more.
        Silo.Time.Advance(TimeSpan.FromSeconds(2));
        await LetGrainsRun();

        admission.Continue();
        var second = await beginning;
        (await Upstream.NextOpened()).Identify().Say("2").Complete();
        Assert.IsType<ReplyCompleted>(await second.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Resume_BotAtItsLimit_CountsTheTurn()
    {
        var turn = await Begin(Request(model: "single") with { Survive = true });
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await TestSilo.DeactivateAsync(turn.Grain);
        // The grain was deactivated with its turn; this call activates it again.
        await turn.Grain.GetTurn(Tenant, turn.Id);
        var again = await Upstream.NextAttached();

        // The lease of the first activation expires.
        await PassSeconds(45, () => false, TimeSpan.FromSeconds(1));
        var bot = Silo.Grains.GetGrain<IBotGrain>("single");
        Assert.Null((await bot.Acquire(new LeaseRequest("other", [], null))).Grant);

        again.Whole("xy").Complete();
        await WaitUntilEnded(turn);
        await PassUntil(() => bot.Acquire(new LeaseRequest("other", [], null)).Result.Grant is not null);
    }

    private async Task WaitUntilEnded(BegunTurn turn)
    {
        while ((await turn.Grain.GetTurn(Tenant, turn.Id)).Status == TurnStatus.Running) await LetGrainsRun();
    }
}
