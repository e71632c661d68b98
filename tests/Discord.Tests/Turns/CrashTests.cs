using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>The node dies in the middle of a reply and another one starts on its data.</summary>
public sealed class CrashTests
{
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Reply_that_goes_on_meanwhile_is_taken_up_exactly_where_the_client_stood()
    {
        await using var house = await DiscordHouse.Start(_time);
        var turn = await house.Begin("x [[length=3000 chunks=20 pace=150ms]]");
        await turn.UntilText("the");

        house.Kill();
        var (heard, cursor) = (turn.Text, turn.Cursor);
        await StartAgain(house);
        var rest = await house.Listen(turn, cursor);
        await UntilListening(house);
        var end = await UntilComplete(rest, speed: 1);

        Assert.Equal((await house.Finished()).Detail, heard + end);
        Assert.Single(house.Posts);
        await UntilTidy(house);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task Reply_that_ended_meanwhile_is_completed_from_discords_copy(int buttons)
    {
        await using var house = await DiscordHouse.Start(_time);
        var turn = await house.Begin($"x [[length=5000 chunks=6 pace=120ms buttons={buttons}]]");
        await turn.UntilText("the");

        house.Kill();
        var (heard, cursor) = (turn.Text, turn.Cursor);
        await house.Finished();
        await StartAgain(house);
        var rest = await house.Listen(turn, cursor);
        await UntilListening(house);
        var end = await UntilComplete(rest, speed: 20);

        Assert.Equal((await house.Finished()).Detail, heard + end);
        Assert.Equal(buttons, rest.Items<FollowUpItem>().Count());
        Assert.Single(house.Posts);
        await UntilTidy(house);
    }

    [Fact]
    public async Task Channel_whose_turn_was_lost_with_its_node_goes_by_itself()
    {
        await using var house = await DiscordHouse.Start(_time);
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", Wait = TimeSpan.FromSeconds(20) });
        var turn = await house.Begin("x");
        await house.Discord.Records.WaitAsync(DiscordRecordKind.MessageCreated, cancellationToken: TestContext.Current.CancellationToken);

        house.Kill();
        await house.StartAgain();
        var again = await house.Listen(turn, Cursor.Start);

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, ((ReplyFailed)await again.UntilEnd()).Error.Code);
        Assert.Single(house.Made);
        // Its time is that of a turn, and a little more.
        await UntilTidy(house, steps: 20);
    }

    /// <summary>Starts another node once the listener is no longer held by the dead one. From then on the house's clock is no faster than the machine's, as Discord's bot still writes.</summary>
    private async Task StartAgain(DiscordHouse house)
    {
        _time.Advance(TimeSpan.FromSeconds(10));
        await house.StartAgain();
    }

    private async Task UntilListening(DiscordHouse house)
    {
        var session = house.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));
        var health = await session.Connect();
        for (var looks = 0; health.State != "ready"; looks++)
        {
            if (looks > 3_000 || health.State == "failed") Assert.Fail($"The listener was not taken over: {health.State}: {health.Reason}");
            await Step();
            health = await session.Connect();
        }
    }

    /// <summary>Lets time pass until the reply is complete.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="speed">More than 1 only once the bot has written all.</param>
    private async Task<string> UntilComplete(HeardTurn turn, int speed)
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

    private Task UntilTidy(DiscordHouse house, int steps = 1) => Until.True(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(steps));
            return house.Made.Count == 0;
        },
        "channels to go");
}
