using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>What happens to a conversation while it waits for something.</summary>
public class InterleavingTests : GrainTest
{
    public InterleavingTests() => (Hooks.State, Hooks.Method) = ("conversation", nameof(ITenantGrain.Admit));

    [Fact]
    public async Task End_WhileTheHandleIsStillBeingSaved_IsHeardOnceItIsStored()
    {
        var (handle, end) = (new Checkpoint(), new Checkpoint());
        var saves = 0;
        Hooks.AfterSave = () => ++saves switch { 2 => handle.Wait(), 3 => end.Wait(), _ => Task.CompletedTask };
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await handle.Reached;
        exchange.Complete();
        await HasEnded(turn);

        handle.Continue();
        await end.Reached;

        Assert.Null(turn.Subscriber.End);
        end.Continue();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task SecondTry_WhileTheFirstOnesHandleIsStillBeingSaved_IsHeardOnceItsOwnIs()
    {
        var (first, second) = (new Checkpoint(), new Checkpoint());
        var saves = 0;
        // Intent, handle, intent, handle.
        Hooks.AfterSave = () => ++saves switch { 2 => first.Wait(), 4 => second.Wait(), _ => Task.CompletedTask };
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
    public async Task Queue_WhenTheEndOfTheTurnBeforeCannotBeStored_GoesOn()
    {
        var first = await Begin(Request("chat", "one"));
        var exchange = (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        var second = await Begin(Request("chat", "two"));
        // As storage of clusters fails: with anything.
        var saves = 0;
        Hooks.BeforeSave = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        exchange.Complete();

        (await Upstream.NextOpened()).Identify().Say("2").Complete();
        Assert.IsType<ReplyCompleted>(await second.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Begin_ThatCannotPromiseItsTurn_LeavesNothingBehind()
    {
        var first = await Begin(Request("chat", "one"));
        var exchange = (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        Hooks.BeforeSave = () => throw new TimeoutException();
        var request = Request("chat", "two");
        await Assert.ThrowsAsync<ClusterException>(() => Begin(request));
        Hooks.BeforeSave = () => Task.CompletedTask;
        exchange.Complete();
        await first.Subscriber.UntilEnd();

        Assert.Single((await first.Grain.GetConversation(Tenant)).Turns);
        var again = await Complete(request, "2");
        Assert.Equal("2", again.Subscriber.Text);
        Assert.Equal(2, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_WhileTheConversationIsAboutToBePutAway_KeepsIt()
    {
        var first = await Complete(Request(), "1");
        var admitting = new Checkpoint();
        Hooks.BeforeCall = admitting.Wait;
        var begun = Begin(Request() with { TurnId = TurnId.NewInConversationOf(first.Id) });
        await admitting.Reached;
        // Nobody reads the first turn any more.
        Silo.Time.Advance(TimeSpan.FromSeconds(2));
        await LetGrainsRun();

        admitting.Continue();
        var second = await begun;
        (await Upstream.NextOpened()).Identify().Say("2").Complete();
        Assert.IsType<ReplyCompleted>(await second.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Resumed_OnABotAtItsLimit_IsCounted()
    {
        var turn = await Begin(Request(model: "single") with { Survive = true });
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        await TestSilo.DeactivateAsync(turn.Grain);
        // Put away with its turn, and brought to life by that.
        await turn.Grain.GetTurn(Tenant, turn.Id);
        var again = await Upstream.NextAttached();

        // What it had before runs out.
        await PassSeconds(45, () => false, TimeSpan.FromSeconds(1));
        var bot = Silo.Grains.GetGrain<IBotGrain>("single");
        Assert.Null((await bot.Acquire(new LeaseRequest("other", [], null))).Grant);

        again.Whole("xy").Complete();
        await HasEnded(turn);
        await PassUntil(() => bot.Acquire(new LeaseRequest("other", [], null)).Result.Grant is not null);
    }

    private async Task HasEnded(BegunTurn turn)
    {
        while ((await turn.Grain.GetTurn(Tenant, turn.Id)).Status == TurnStatus.Running) await LetGrainsRun();
    }
}
