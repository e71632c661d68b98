using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Many conversations at once.</summary>
public sealed class ManyTests
{
    [Fact]
    public async Task Fifty_over_three_listeners_and_six_accounts_all_come_through_while_sockets_are_cut()
    {
        await using var house = await DiscordHouse.Start(
            limits: true, bots: [.. Enumerable.Range(1, 3).Select(n => DiscordHouse.Bot($"b{n}", ("listener", $"l{n}")))]);

        var turns = await Task.WhenAll(Enumerable.Range(1, 50).Select(n => house.Begin($"Number {n}. [[say=\"{Answer(n)}\" chunks=10 pace=120ms]]", "all")));
        for (var cut = 0; cut < 3; cut++)
        {
            await house.Finished(5 * (cut + 1));
            house.Discord.DropSockets(userId: DiscordSeeds.Listeners[cut].Id);
        }

        for (var n = 1; n <= 50; n++) Assert.Equal(Answer(n), await turns[n - 1].UntilComplete());
        Assert.Equal(50, house.Posts.Count);
        Assert.Equal(0, house.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.Equal(3, turns.Select(turn => turn.Origin!.Ids["listener"]).Distinct().Count());
        Assert.Equal(6, house.Posts.Select(post => post.UserId).Distinct().Count());
        await house.UntilTidy();
    }

    private static string Answer(int n) => string.Join(' ', Enumerable.Range(0, 100).Select(word => $"{n}.{word}"));
}
