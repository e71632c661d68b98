using CozeCluster.Grains.Testing;
using CozeCluster.Sandbox.Discord;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Discord.Tests;

/// <summary>What a turn that is sent again finds of its first attempt on Discord.</summary>
public sealed class PromptPosterTests
{
    [Fact]
    public async Task Turn_that_starts_again_after_its_prompt_was_removed_posts_all_messages_again()
    {
        await using var silo = await DiscordSilo.Start();
        await silo.WaitForListener("l1");
        var posts = 0;
        using var upstream = Upstream(silo, (method, call) => method == nameof(IAccountGrain.Post) && ++posts == 2
            ? throw new ClusterException(ErrorCode.UpstreamUnavailable, "Refused.")
            : call());
        // The next activation of the conversation begins with the first attempt again.
        var turn = Turn(silo, new string('x', 2_500) + " [[silent]]");
        await Assert.ThrowsAsync<ClusterException>(async () => await upstream.Open(turn, TestContext.Current.CancellationToken));

        await using var exchange = await upstream.Open(turn, TestContext.Current.CancellationToken);

        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.NonceMatched));
        Assert.Equal(3, silo.Posts.Count);
        Assert.Equal(silo.Posts[1].ChannelId, silo.Posts[2].ChannelId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_cancelled_before_the_first_message_reports_that_nothing_was_sent(bool isExclusive)
    {
        await using var silo = await DiscordSilo.Start();
        var poster = new PromptPoster(silo.Grains);
        var turn = Turn(silo, "x");
        var channel = new TurnChannel(DiscordSilo.Guild.FixedId, isExclusive, IsFromJanitor: false, IsForOneAttempt: false);

        await Assert.ThrowsAsync<PromptNotSentException>(async () => await poster.Post(
            turn, channel, [new PromptMessage("x", [], MentionsBot: true)], [], new CancellationToken(canceled: true)));

        Assert.Empty(silo.Posts);
    }

    [Fact]
    public async Task Call_cancelled_while_the_prompt_is_built_reports_that_nothing_was_sent()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("long", "file")));
        using var upstream = Upstream(silo, (_, call) => call());
        var turn = Turn(silo, new string('x', 2_500));

        await Assert.ThrowsAsync<PromptNotSentException>(async () => await upstream.Open(turn, new CancellationToken(canceled: true)));
    }

    private static DiscordUpstream Upstream(DiscordSilo silo, Func<string, Func<object?>, object?> intercept) => new(
        new InterceptedGrains(silo.Grains, intercept),
        silo.Fleet,
        silo.Services.GetRequiredService<IDiscordApi>(),
        silo.Services.GetRequiredService<IBlobStore>(),
        TimeProvider.System,
        NullLogger<DiscordUpstream>.Instance);

    private static UpstreamTurn Turn(DiscordSilo silo, string text)
    {
        var (bot, account) = (silo.Fleet.FindBot("b1"), silo.Fleet.FindAccount("a1"));
        var message = new ChatMessage(ChatRole.User, [new TextContent(text)]);
        return new UpstreamTurn(TestIds.Ids.NewTurn(DiscordSilo.Tenant, null), bot!, account!, DiscordSilo.Tenant, [message])
        {
            TenantId = DiscordSilo.Tenant,
        };
    }
}
