using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns that are not made durable.</summary>
public sealed class VolatileTurnsTests : HouseTest
{
    protected override ConversationOptions Options => new() { DurableTurns = false };

    private NonResumableTurns Unsaved => House.Services.GetRequiredService<NonResumableTurns>();

    [Fact]
    public async Task Complete_LetsTheNodeStop_OnceItsListenerHasHeard()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Observer.UntilText("Hello");
        var none = Unsaved.None;
        Assert.Equal((1, false), (Unsaved.Count, none.IsCompleted));

        exchange.Complete();

        await none.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.IsType<ReplyCompleted>(turn.Observer.End);
        Assert.Equal(0, Unsaved.Count);
    }

    [Fact]
    public async Task End_WhatRunsEndsInBandAndTheFarSideIsTold()
    {
        var turns = await Task.WhenAll(Begin(Request()), Begin(Request("chat")));
        foreach (var _ in turns) (await Upstream.NextOpened()).Identify().Say("Hello");
        foreach (var turn in turns) await turn.Observer.UntilText("Hello");

        await Unsaved.End();
        await Unsaved.None.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.All(turns, turn => Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(turn.Observer.End).Error.Code));
        Assert.Equal(2, Upstream.CancelledCount);
    }

    [Fact]
    public async Task End_WhatBeginsAfterwardsIsNotSent()
    {
        await Unsaved.End();

        var turn = await Begin(Request());

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Observer.UntilEnd()).Error.Code);
        await Unsaved.None.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Stop_OfTheEngineWithoutWaiting_EndsInBand()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Observer.UntilText("Hello");
        var unsaved = Unsaved;

        await House.StopAsync();

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Observer.UntilEnd()).Error.Code);
        Assert.Equal(0, unsaved.Count);
    }

    [Fact]
    public async Task Crash_OfAFreshTurn_ForgetsIt()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Observer.UntilText("Hello");
        await Crash();

        var gone = await Assert.ThrowsAsync<ClusterException>(() => Listen(turn, Cursor.Start, new RecordingObserver()));
        Assert.Equal((ErrorCode.NotFound, 0), (gone.Code, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Crash_WithATurnWaiting_DoesNotSendTheOneThatRanAgain()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Observer.UntilText("1");
        // That it waits is saved, and with it the turn that runs.
        var second = await Begin(Request("chat", "two"));
        await Crash();

        var resumed = new RecordingObserver();
        await Listen(first, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        var two = await Upstream.NextOpened();
        Assert.Equal(("two", second.Id), (two.Turn.Messages[^1].Text, two.Turn.TurnId));
        two.Identify().Say("2").Complete();
        var waited = new RecordingObserver();
        await Listen(second, Cursor.Start, waited);
        await waited.UntilEnd();
        Assert.Equal(("2", 1), (waited.Text, Upstream.OpenedCount));
    }
}
