using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns that no other node can resume, on a node that stops or fails.</summary>
public sealed class NonResumableTurnsTests : GrainTest
{
    protected override ConversationOptions Options => new() { DurableTurns = false };

    private NonResumableTurns Turns => Silo.Services.GetRequiredService<NonResumableTurns>();

    [Fact]
    public async Task WhenEmpty_TurnHasEnded_CompletesAfterTheEndIsDelivered()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var whenEmpty = Turns.WhenEmpty;
        Assert.Equal((1, false), (Turns.Count, whenEmpty.IsCompleted));

        exchange.Complete();

        await whenEmpty.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.IsType<ReplyCompleted>(turn.Subscriber.End);
        Assert.Equal(0, Turns.Count);
    }

    [Fact]
    public async Task EndAll_RunningTurns_EndWithAnErrorAndAreCancelledAtTheUpstream()
    {
        var turns = await Task.WhenAll(Begin(Request()), Begin(Request("chat")));
        foreach (var _ in turns) (await Upstream.NextOpened()).Identify().Say("Hello");
        foreach (var turn in turns) await turn.Subscriber.UntilText("Hello");

        await Turns.EndAll();
        await Turns.WhenEmpty.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.All(turns, turn => Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(turn.Subscriber.End).Error.Code));
        Assert.Equal(2, Upstream.CancelledCount);
    }

    [Fact]
    public async Task EndAll_LaterTurn_IsNotSent()
    {
        await Turns.EndAll();

        var turn = await Begin(Request());

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        await Turns.WhenEmpty.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Stop_WithoutEndAll_EndsTheTurnWithAnError()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var counted = Turns;

        await Silo.StopAsync();

        Assert.Equal(ErrorCode.Draining, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        Assert.Equal(0, counted.Count);
    }

    [Fact]
    public async Task Crash_TurnWithoutAName_IsLost()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        await Crash();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Subscribe(turn, Cursor.Start, new RecordingSubscriber()));
        Assert.Equal((ErrorCode.NotFound, 0), (error.Code, Upstream.OpenedCount));
    }

    [Fact]
    public async Task Crash_WithAWaitingTurn_DoesNotSendTheRunningOneAgain()
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        // The waiting turn is saved, and the running turn with it.
        var second = await Begin(Request("chat", "two"));
        await Crash();

        var resumed = new RecordingSubscriber();
        await Subscribe(first, Cursor.Start, resumed);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        var two = await Upstream.NextOpened();
        Assert.Equal(("two", second.Id), (two.Turn.Messages[^1].Text, two.Turn.TurnId));
        two.Identify().Say("2").Complete();
        var waiting = new RecordingSubscriber();
        await Subscribe(second, Cursor.Start, waiting);
        await waiting.UntilEnd();
        Assert.Equal(("2", 1), (waiting.Text, Upstream.OpenedCount));
    }
}

/// <summary>Which turns are counted as not resumable.</summary>
public sealed class NonResumableTurnsCountTests : GrainTest
{
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task Count_RunningTurn_DependsOnTheUpstream(bool canReattach, int expected)
    {
        Upstream.CanReattach = canReattach;
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");

        Assert.Equal(expected, Silo.Services.GetRequiredService<NonResumableTurns>().Count);
    }
}

/// <summary>Whether a turn can be resumed depends on the bot that answers it.</summary>
public sealed class ResumableBotTests : GrainTest
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("b1", false)]
    [InlineData("b2", true)]
    public async Task Crash_TurnOfABot_IsFoundAgainIfTheBotAllowsIt(string? forgetful, bool isFound)
    {
        Upstream.ForgetfulBot = forgetful;
        var turn = await Begin(Request("chat"));
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        Assert.Equal(isFound ? 0 : 1, Silo.Services.GetRequiredService<NonResumableTurns>().Count);
        await Crash();

        var resumed = new RecordingSubscriber();
        if (!isFound)
        {
            // Nothing of the turn was saved.
            await Assert.ThrowsAsync<ClusterException>(() => Subscribe(turn, Cursor.Start, resumed));
            return;
        }
        await Subscribe(turn, Cursor.Start, resumed);
        (await Upstream.NextAttached()).Whole("Hello you").Complete();
        Assert.IsType<ReplyCompleted>(await resumed.UntilEnd());
        Assert.Equal(("Hello you", 0), (resumed.Text, Upstream.OpenedCount));
    }

    [Theory]
    [InlineData("b1", true)]
    [InlineData("b2", false)]
    public async Task Crash_NextAttemptOnAnotherBot_CountsAsThatBotDoes(string forgetful, bool isFound)
    {
        Upstream.ForgetfulBot = forgetful;
        var turn = await Begin(Request("chat"));
        (await Upstream.NextOpened()).Fail(ErrorCode.UpstreamFailed);
        var second = await Upstream.NextOpened();
        Assert.Equal("b2", second.Turn.Bot.Id);
        second.Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        await Crash();

        var resumed = new RecordingSubscriber();
        if (isFound)
        {
            await Subscribe(turn, Cursor.Start, resumed);
            (await Upstream.NextAttached()).Whole("Hello you").Complete();
            Assert.IsType<ReplyCompleted>(await resumed.UntilEnd());
            Assert.Equal("Hello you", resumed.Text);
        }
        else
        {
            // The intent of the first attempt was saved.
            await Subscribe(turn, Cursor.Start, resumed);
            Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error.Code);
        }
        Assert.Equal(0, Upstream.OpenedCount);
    }
}
