using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Messages;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains.Tests.RunningTurns;

public class RunningTurnsTests : HouseTest
{
    protected override IReadOnlyList<GrainDefinition> Definitions =>
    [
        .. base.Definitions.Where(definition => definition.Name is not ("conversation" or "running-turns" or "bot")),
        GrainDefinition.Of<IConversationGrain, WatchedConversation, ConversationState>("conversation", StateJson.Default.ConversationState),
        GrainDefinition.Of<IRunningTurnsGrain, WatchedRegistry, RunningTurnsState>("running-turns", StateJson.Default.RunningTurnsState),
        GrainDefinition.Of<IBotGrain, WatchedBot, BotState>("bot", StateJson.Default.BotState),
    ];

    private IRunningTurnsGrain Registry => House.Grains.Get<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(0));

    private static string Idle { get; } = TurnId.TryGetConversation(TurnId.New(Tenant, null), out var key) ? key : "";

    [Fact]
    public async Task Sweep_WhileATurnBegins_KeepsItsConversation()
    {
        await Registry.Add(Idle, atOnce: true);
        var waking = new Stop();
        Hooks.BeforeCall = waking.Wait;
        var sweep = Registry.Sweep();
        await waking.Reached;
        await Registry.Add(Idle, atOnce: true);
        waking.Go();
        await sweep;

        var woken = 0;
        Hooks.BeforeCall = () => Task.FromResult(++woken);
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

    public class WatchedConversation(
        IGrainContext<ConversationState> context,
        IEnumerable<IUpstream> upstreams,
        TimeProvider time,
        ConversationOptions options,
        UnsavedTurns unsaved,
        ILogger<ConversationGrain> logger,
        Hooks hooks) : ConversationGrain(context, upstreams, time, options, unsaved, logger), IConversationGrain
    {
        async Task<bool> IConversationGrain.Wake()
        {
            var isBusy = await Wake();
            await hooks.BeforeCall();
            return isBusy;
        }
    }

    public class WatchedRegistry(IGrainContext<RunningTurnsState> context, ILogger<RunningTurnsGrain> logger, Hooks hooks)
        : RunningTurnsGrain(new WatchedContext<RunningTurnsState>(context, hooks), logger);

    public class WatchedBot(IGrainContext<BotState> context, IEnumerable<IUpstream> upstreams, TimeProvider time, ILogger<BotGrain> logger, Hooks hooks)
        : BotGrain(context, upstreams, time, logger), IBotGrain
    {
        async Task<LeaseResult> IBotGrain.Acquire(LeaseRequest request)
        {
            await hooks.BeforeCall();
            return await Acquire(request);
        }
    }
}
