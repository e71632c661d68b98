using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns that are not made durable.</summary>
public sealed class VolatileTurnsTests : GrainTest
{
    protected override ConversationOptions Options => new() { DurableTurns = false };

    private NonResumableTurns Unsaved => Silo.Services.GetRequiredService<NonResumableTurns>();

    [Fact]
    public async Task Complete_LetsTheNodeStop_OnceItsListenerHasHeard()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var none = Unsaved.None;
        Assert.Equal((1, false), (Unsaved.Count, none.IsCompleted));

        exchange.Complete();

        await none.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.IsType<ReplyCompleted>(turn.Subscriber.End);
        Assert.Equal(0, Unsaved.Count);
    }

    [Fact]
    public async Task End_WhatRunsEndsInBandAndTheFarSideIsTold()
    {
        var turns = await Task.WhenAll(Begin(Request()), Begin(Request("chat")));
        foreach (var _ in turns) (await Upstream.NextOpened()).Identify().Say("Hello");
        foreach (var turn in turns) await turn.Subscriber.UntilText("Hello");

        await Unsaved.End();
        await Unsaved.None.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.All(turns, turn => Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(turn.Subscriber.End).Error.Code));
        Assert.Equal(2, Upstream.CancelledCount);
    }

    [Fact]
    public async Task End_WhatBeginsAfterwardsIsNotSent()
    {
        await Unsaved.End();

        var turn = await Begin(Request());

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        await Unsaved.None.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Stop_OfTheEngineWithoutWaiting_EndsInBand()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var unsaved = Unsaved;

        await Silo.StopAsync();

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        Assert.Equal(0, unsaved.Count);
    }

    [Fact]
    public async Task Crash_OfAFreshTurn_ForgetsIt()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        await Crash();

        var gone = await Assert.ThrowsAsync<ClusterException>(() => Subscribe(turn, Cursor.Start, new RecordingSubscriber()));
        Assert.Equal((ErrorCode.NotFound, 0), (gone.Code, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Crash_WithATurnWaiting_DoesNotSendTheOneThatRanAgain()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        // That it waits is saved, and with it the turn that runs.
        var second = await Begin(Request("chat", "two"));
        await Crash();

        var resumed = new RecordingSubscriber();
        await Subscribe(first, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        var two = await Upstream.NextOpened();
        Assert.Equal(("two", second.Id), (two.Turn.Messages[^1].Text, two.Turn.TurnId));
        two.Identify().Say("2").Complete();
        var waited = new RecordingSubscriber();
        await Subscribe(second, Cursor.Start, waited);
        await waited.UntilEnd();
        Assert.Equal(("2", 1), (waited.Text, Upstream.OpenedCount));
    }
}
