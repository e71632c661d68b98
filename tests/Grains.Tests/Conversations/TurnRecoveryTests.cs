using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>How conversations with turns that have not ended are found and activated.</summary>
public sealed class TurnRecoveryTests : GrainTest
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Longer than a minute, and shorter than the time for which an upstream may be silent: a longer silence ends the turn.</summary>
    private static readonly TimeSpan TurnsGrowOld = TurnTimeouts.Default.Idle - TimeSpan.FromSeconds(30);

    public TurnRecoveryTests()
    {
        Hooks.Method = nameof(IConversationGrain.Wake);
        Hooks.BeforeCall = () => Task.FromResult(Interlocked.Increment(ref _woken));
    }

    private int _woken;

    private ITurnRecoveryGrain Recovery => Silo.Grains.GetGrain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery);

    [Fact]
    public async Task Sweep_OfOlderTurns_LeavesYoungTurnsAlone()
    {
        await BeginRunning();

        await Recovery.Sweep(Minute);
        Assert.Equal(0, _woken);

        Silo.Time.Advance(TurnsGrowOld);
        await Recovery.Sweep(Minute);
        Assert.Equal(1, _woken);
    }

    [Fact]
    public async Task Sweep_ShortlyAfterAnother_RunsOnlyIfItIsForAllTurns()
    {
        await BeginRunning();
        Silo.Time.Advance(TurnsGrowOld);
        await Recovery.Sweep(Minute);

        await Recovery.Sweep(Minute);
        Assert.Equal(1, _woken);
        await Recovery.Sweep(TimeSpan.Zero);
        Assert.Equal(2, _woken);
    }

    [Fact]
    public async Task Sweep_WhileAnotherRuns_BeginsAfterItAndIsSharedByItsCallers()
    {
        await BeginRunning();
        var call = new Checkpoint();
        Hooks.AfterCall = call.Wait;
        var first = Recovery.Sweep(TimeSpan.Zero);
        await call.Reached;
        Task[] later = [Recovery.Sweep(TimeSpan.Zero), Recovery.Sweep(Minute), Recovery.Sweep(TimeSpan.Zero)];
        await LetGrainsRun();
        Assert.Equal(1, _woken);

        call.Continue();
        await Task.WhenAll([first, .. later]);

        Assert.Equal(2, _woken);
    }

    [Fact]
    public async Task Sweep_ConversationThatCannotBeRead_DoesNotAffectTheOthers()
    {
        for (var i = 0; i < 3; i++) await BeginRunning();
        await Crash(sweep: false);
        var reads = 0;
        Hooks.BeforeLoad = () => ++reads == 1 ? throw new TimeoutException() : Task.CompletedTask;

        await Recovery.Sweep(TimeSpan.Zero);

        for (var i = 0; i < 2; i++) await Upstream.NextAttached();
        Assert.Equal(3, reads);
        await Recovery.Sweep(TimeSpan.Zero);
        await Upstream.NextAttached();
    }

    [Fact]
    public async Task Crash_WhileATurnWaitsBehindOneOfUnknownOutcome_RunsIt()
    {
        var first = await Begin(Request("chat", "one"));
        await Upstream.NextOpened();
        var second = await Begin(Request("chat", "two"));
        await Crash();

        var exchange = await Upstream.NextOpened();
        Assert.Equal(second.Id, exchange.Turn.TurnId);
        var resumed = new RecordingSubscriber();
        await Subscribe(first, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        exchange.Identify().Say("2").Complete();
        await PassUntil(() => Silo.Query("SELECT count(*) FROM turns WHERE ended_at IS NULL") is 0L);
        _woken = 0;
        await Recovery.Sweep(TimeSpan.Zero);
        Assert.Equal(0, _woken);
    }

    private async Task BeginRunning()
    {
        var turn = await Begin(Request() with { Survive = true });
        (await Upstream.NextOpened()).Identify().Say("x");
        await turn.Subscriber.UntilText("x");
    }
}
