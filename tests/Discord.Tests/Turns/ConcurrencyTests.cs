using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Many conversations at the same time.</summary>
public sealed class ConcurrencyTests
{
    [Fact]
    public async Task Fifty_turns_with_three_listeners_and_six_accounts_complete_although_sockets_are_closed()
    {
        await using var silo = await DiscordSilo.Start(
            limits: true, bots: [.. Enumerable.Range(1, 3).Select(n => DiscordSilo.Bot($"b{n}", ("listener", $"l{n}")))]);

        var turns = await Task.WhenAll(Enumerable.Range(1, 50).Select(n => silo.Begin($"Number {n}. [[say=\"{Answer(n)}\" chunks=10 pace=120ms]]", "all")));
        for (var cut = 0; cut < 3; cut++)
        {
            await silo.Finished(5 * (cut + 1));
            silo.Discord.DropSockets(userId: DiscordSeeds.Listeners[cut].Id);
        }

        for (var n = 1; n <= 50; n++) Assert.Equal(Answer(n), await turns[n - 1].UntilComplete());
        Assert.Equal(50, silo.Posts.Count);
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        Assert.Equal(3, turns.Select(turn => turn.Origin!.Ids["listener"]).Distinct().Count());
        Assert.Equal(6, silo.Posts.Select(post => post.UserId).Distinct().Count());
        await silo.UntilChannelsDeleted();
    }

    private static string Answer(int n) => string.Join(' ', Enumerable.Range(0, 100).Select(word => $"{n}.{word}"));
}
