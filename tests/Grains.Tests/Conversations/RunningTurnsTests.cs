using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class RunningTurnsTests : GrainTest
{
    public RunningTurnsTests() => Hooks.State = "running-turns";

    private IRunningTurnsGrain Registry => Silo.Grains.GetGrain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(0));

    private static string Idle { get; } = TurnId.TryGetConversation(TurnId.New(Tenant, null), out var key) ? key : "";

    [Fact]
    public async Task Sweep_WhileATurnBegins_KeepsItsConversation()
    {
        await Registry.Add(Idle, atOnce: true);
        var call = new Checkpoint();
        Hooks.Method = nameof(IConversationGrain.Wake);
        Hooks.AfterCall = call.Wait;
        var sweep = Registry.Sweep();
        await call.Reached;
        await Registry.Add(Idle, atOnce: true);
        call.Continue();
        await sweep;

        var calls = 0;
        Hooks.AfterCall = () => Task.FromResult(++calls);
        await Registry.Sweep();
        Assert.Equal(1, calls);
        await Registry.Sweep();
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Add_AfterAFailedSave_IsSavedLater()
    {
        var saves = 0;
        Hooks.BeforeSave = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Registry.Add(Idle, atOnce: false);
        await PassSeconds(5, () => saves == 2);
        Assert.Equal(2, saves);
    }

    [Fact]
    public async Task Add_AfterAFailedReminder_RegistersItAgain()
    {
        var reminders = 0;
        Hooks.BeforeReminder = () => ++reminders == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Assert.ThrowsAsync<ClusterException>(() => Registry.Add(Idle, atOnce: true));
        await Registry.Add(Idle, atOnce: true);
        Assert.Equal(2, reminders);
    }

    [Fact]
    public async Task Turn_AfterAFailedReminder_IsAddedAgainBeforeItIsSent()
    {
        var reminders = 0;
        Hooks.BeforeReminder = () => ++reminders == 1 ? throw new TimeoutException() : Task.CompletedTask;
        var call = new Checkpoint();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.BeforeCall = call.Wait;
        var turn = await Begin(Request() with { Survive = true });
        await call.Reached;
        while (reminders == 0) await LetGrainsRun();
        await LetGrainsRun();
        call.Continue();
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
        Assert.Equal(2, reminders);
    }
}
