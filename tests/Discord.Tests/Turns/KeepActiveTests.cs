using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>Keep-active messages to bots on Discord.</summary>
public sealed class KeepActiveTests
{
    [Fact]
    public async Task Unused_bot_receives_its_message_and_the_channel_is_deleted()
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        var bot = DiscordSilo.Bot("b1") with { KeepActive = new KeepActiveDefinition("Are you there?") { Every = TimeSpan.FromHours(1) } };
        await using var silo = await DiscordSilo.Start(time, bots: bot);
        await silo.WaitForListener("l1");
        // The catalog makes this call too, but in the background.
        await silo.BotGrain("b1").KeepActive();
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Empty(silo.Posts);

        time.Advance(TimeSpan.FromSeconds(59.9));
        // The jumps break the listener's connection. From here on the clock is not faster than the machine's, because Discord uses that one.
        var finished = silo.Finished();
        while (!finished.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(10);
        }
        await finished;
        var health = silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);
        await Until.True(() => Result() is not null, "the result in the bot's health");

        Assert.Equal($"<@{DiscordSilo.CozeBot.Id}> Are you there?", Assert.Single(silo.Posts).Detail);
        Assert.Null(Result()!.Error);
        await Until.True(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return silo.CreatedChannels.Count == 0;
            },
            "the deletion of channels");

        KeepActiveResult? Result() => health.List().Result.Single(entry => entry is { Kind: HealthKind.Bot, Id: "b1" }).KeepActive;
    }
}
