using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>A node fails in the middle of a reply, and another one starts on its data.</summary>
public sealed class CrashTests
{
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Reply_that_continues_after_the_failure_is_delivered_from_the_clients_cursor_on()
    {
        await using var silo = await DiscordSilo.Start(_time);
        var turn = await silo.Begin("x [[length=3000 chunks=20 pace=150ms]]");
        await turn.UntilText("the");

        silo.Kill();
        var (received, cursor) = turn.Received;
        await StartAgain(silo);
        var rest = await silo.Subscribe(turn, cursor);
        await UntilListenerReady(silo);
        var end = await UntilComplete(rest, speed: 1);

        Assert.Equal((await silo.Finished()).Detail, received + end);
        Assert.Single(silo.Posts);
        await UntilChannelsDeleted(silo);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task Reply_that_ended_after_the_failure_is_completed_from_Discord(int buttons)
    {
        await using var silo = await DiscordSilo.Start(_time);
        var turn = await silo.Begin($"x [[length=5000 chunks=6 pace=120ms buttons={buttons}]]");
        await turn.UntilText("the");

        silo.Kill();
        var (received, cursor) = turn.Received;
        await silo.Finished();
        await StartAgain(silo);
        var rest = await silo.Subscribe(turn, cursor);
        await UntilListenerReady(silo);
        var end = await UntilComplete(rest, speed: 20);

        Assert.Equal((await silo.Finished()).Detail, received + end);
        Assert.Equal(buttons, rest.Items<FollowUpItem>().Count());
        Assert.Single(silo.Posts);
        await UntilChannelsDeleted(silo);
    }

    [Fact]
    public async Task Channel_whose_turn_was_lost_with_its_node_is_deleted()
    {
        await using var silo = await DiscordSilo.Start(_time);
        silo.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", Wait = TimeSpan.FromSeconds(20) });
        var turn = await silo.Begin("x");
        await silo.Discord.Records.WaitAsync(DiscordRecordKind.MessageCreated, cancellationToken: TestContext.Current.CancellationToken);

        silo.Kill();
        await silo.StartAgain();
        var again = await silo.Subscribe(turn, Cursor.Start);

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, ((ReplyFailed)await again.UntilEnd()).Error.Code);
        Assert.Single(silo.CreatedChannels);
        // The channel is kept for the longest duration of a turn.
        await UntilChannelsDeleted(silo, step: 20);
    }

    /// <summary>
    /// Starts another node after the failed node's lease has expired. From then on, the silo's clock is not faster than the machine's, because the bot still
    /// writes.
    /// </summary>
    private async Task StartAgain(DiscordSilo silo)
    {
        _time.Advance(TimeSpan.FromSeconds(10));
        await silo.StartAgain();
    }

    private async Task UntilListenerReady(DiscordSilo silo)
    {
        var session = silo.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));
        var health = await session.Connect();
        for (var checks = 0; health.State != "ready"; checks++)
        {
            if (checks > 3_000 || health.State == "failed") Assert.Fail($"The listener did not become ready: {health.State}: {health.Reason}");
            await Step();
            health = await session.Connect();
        }
    }

    /// <summary>Moves the clock until the reply is complete.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="speed">More than 1 only after the bot has finished.</param>
    private async Task<string> UntilComplete(ObservedTurn turn, int speed)
    {
        var end = turn.UntilComplete();
        while (!end.IsCompleted) await Step(speed);
        return await end;
    }

    private async Task Step(int speed = 1)
    {
        _time.Advance(TimeSpan.FromMilliseconds(10) * speed);
        await Task.Delay(10);
    }

    private Task UntilChannelsDeleted(DiscordSilo silo, int step = 1) => Until.True(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(step));
            return silo.CreatedChannels.Count == 0;
        },
        "the deletion of channels");
}
