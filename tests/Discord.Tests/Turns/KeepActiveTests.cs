using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>Bots on Discord that nobody talks to.</summary>
public sealed class KeepActiveTests
{
    [Fact]
    public async Task Bot_that_nobody_talked_to_is_sent_its_message_which_leaves_no_channel()
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using var house = await DiscordHouse.Start(time, bots: DiscordHouse.Bot("b1") with { KeepActive = new KeepActiveDefinition("Are you there?") { Every = TimeSpan.FromHours(1) } });
        await house.Health("l1");
        // The catalog calls it too, but in the background.
        await house.Bot("b1").KeepActive();
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Empty(house.Posts);

        time.Advance(TimeSpan.FromSeconds(59.9));
        // The jumps cost the listener its connection. From here on the clock is no faster than the machine's, so that Discord can keep up.
        var finished = house.Finished();
        while (!finished.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(10);
        }
        await finished;
        var health = house.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);
        await Until.True(() => Told() is not null, "the outcome in the bot's health");

        Assert.Equal($"<@{DiscordHouse.CozeBot.Id}> Are you there?", Assert.Single(house.Posts).Detail);
        Assert.Null(Told()!.Error);
        await Until.True(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return house.Made.Count == 0;
            },
            "channels to go");

        KeepActiveResult? Told() => health.List().Result.Single(entry => entry is { Kind: HealthKind.Bot, Id: "b1" }).KeepActive;
    }
}
