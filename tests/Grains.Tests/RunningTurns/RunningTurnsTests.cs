using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.RunningTurns;

public class RunningTurnsTests : HouseTest
{
    public RunningTurnsTests() => Hooks.State = "running-turns";

    private IRunningTurnsGrain Registry => House.Grains.GetGrain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(0));

    private static string Idle { get; } = TurnId.TryGetConversation(TurnId.New(Tenant, null), out var key) ? key : "";

    [Fact]
    public async Task Sweep_WhileATurnBegins_KeepsItsConversation()
    {
        await Registry.Add(Idle, atOnce: true);
        var waking = new Stop();
        Hooks.Method = nameof(IConversationGrain.Wake);
        Hooks.AfterCall = waking.Wait;
        var sweep = Registry.Sweep();
        await waking.Reached;
        await Registry.Add(Idle, atOnce: true);
        waking.Go();
        await sweep;

        var woken = 0;
        Hooks.AfterCall = () => Task.FromResult(++woken);
        await Registry.Sweep();
        Assert.Equal(1, woken);
        await Registry.Sweep();
        Assert.Equal(1, woken);
    }

    [Fact]
    public async Task Add_WhoseSaveFails_IsSavedLater()
    {
        var saves = 0;
        Hooks.BeforeSave = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Registry.Add(Idle, atOnce: false);
        await PassSeconds(5, () => saves == 2);
        Assert.Equal(2, saves);
    }

    [Fact]
    public async Task Add_WhoseReminderFails_IsRemindedOfWithTheNext()
    {
        var reminders = 0;
        Hooks.BeforeReminder = () => ++reminders == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Assert.ThrowsAsync<ClusterException>(() => Registry.Add(Idle, atOnce: true));
        await Registry.Add(Idle, atOnce: true);
        Assert.Equal(2, reminders);
    }

    [Fact]
    public async Task Turn_WhoseConversationCouldNotBeNotedAtFirst_IsNotedBeforeItIsSent()
    {
        var reminders = 0;
        Hooks.BeforeReminder = () => ++reminders == 1 ? throw new TimeoutException() : Task.CompletedTask;
        var asked = new Stop();
        Hooks.Method = nameof(IBotGrain.Acquire);
        Hooks.BeforeCall = asked.Wait;
        var turn = await Begin(Request() with { Survive = true });
        await asked.Reached;
        while (reminders == 0) await Settle();
        await Settle();
        asked.Go();
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Observer.UntilText("x");
        Assert.Equal(2, reminders);
    }
}
