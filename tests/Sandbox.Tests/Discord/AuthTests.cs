using System.Net;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class AuthTests
{
    [Theory]
    [InlineData("Bot sandbox-listener-1", "listener-1")]
    [InlineData("sandbox-account-1", "account-1")]
    public async Task Me_ValidToken_ReturnsTheUser(string authorization, string name)
    {
        await using var client = await DiscordClient.StartAsync();
        client.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        var me = await client.RequestAsync(null, "GET", "/users/@me");

        Assert.Equal(name, me.Body!["username"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("sandbox-listener-1")]
    [InlineData("Bot sandbox-account-1")]
    [InlineData("Bearer sandbox-account-1")]
    [InlineData("Bot nobody")]
    public async Task Me_InvalidToken_Is401(string? authorization)
    {
        await using var client = await DiscordClient.StartAsync();
        if (authorization is not null) client.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        var me = await client.RequestAsync(null, "GET", "/users/@me");

        Assert.Equal(HttpStatusCode.Unauthorized, me.Status);
        Assert.Equal("401: Unauthorized", me.Body!["message"]!.GetValue<string>());
        Assert.Equal(0, me.Code);
    }

    [Fact]
    public async Task Requests_OfAnAccountThatNeedsVerification_Get40002()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.DemandVerification(DiscordClient.Account.Id);

        var refused = await client.SendAsync(DiscordClient.Account, "hi");
        client.Discord.DemandVerification(DiscordClient.Account.Id, demanded: false);
        var taken = await client.SendAsync(DiscordClient.Account, "hi");

        Assert.Equal((HttpStatusCode.Forbidden, 40002), (refused.Status, refused.Code));
        Assert.Equal("You need to verify your account in order to perform this action.", refused.Body!["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, taken.Status);
    }

    [Fact]
    public async Task Requests_WithARevokedToken_Get401()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.RevokeToken(DiscordClient.Account.Id);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(DiscordClient.Account, "hi")).Status);
    }

    [Fact]
    public async Task Requests_WithoutAUserAgent_AreRefused()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Http.DefaultRequestHeaders.UserAgent.Clear();

        var blocked = await client.GetAsync(DiscordClient.Listener, "/users/@me");

        Assert.Equal(HttpStatusCode.Forbidden, blocked.Status);
        Assert.Null(blocked.Body);
    }

    [Fact]
    public async Task Channels_OfAGuildWithoutMembership_AreMissingAccess()
    {
        await using var client = await DiscordClient.StartAsync();
        var outsider = DiscordSeeds.Accounts[5];
        var elsewhere = DiscordSeeds.Guilds[1];

        var read = await client.GetAsync(outsider, $"/channels/{elsewhere.GeneralId}");
        var sent = await client.SendAsync(outsider, "hi", elsewhere.GeneralId);
        var list = await client.GetAsync(outsider, $"/guilds/{elsewhere.Id}/channels");

        Assert.All([read, sent, list], answer => Assert.Equal((HttpStatusCode.Forbidden, 50001), (answer.Status, answer.Code)));
    }

    [Fact]
    public async Task Content_WithoutTheIntent_IsEmptyExceptOwnMessagesAndMentions()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.SetPrivilegedIntents(DiscordClient.Listener.Id, Intents.None);
        await client.SendAsync(DiscordClient.Account, "secret");
        await client.SendAsync(DiscordClient.Account, $"<@{DiscordClient.Listener.Id}> hello");
        await client.SendAsync(DiscordClient.Listener, "mine");

        var list = await client.GetAsync(DiscordClient.Listener, $"/channels/{DiscordClient.Guild.GeneralId}/messages");

        Assert.Equal(["mine", $"<@{DiscordClient.Listener.Id}> hello", ""], list.Body!.AsArray().Select(m => m!["content"]!.GetValue<string>()));
    }
}
