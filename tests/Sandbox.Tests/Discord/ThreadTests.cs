using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ThreadTests
{
    private static string General => $"/channels/{DiscordClient.Guild.GeneralId}";

    [Fact]
    public async Task Create_WithoutAType_IsPrivate()
    {
        await using var client = await DiscordClient.StartAsync();

        var thread = await client.RequestAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "ours" });

        Assert.Equal(HttpStatusCode.Created, thread.Status);
        Assert.Equal(12, thread.Body!["type"]!.GetValue<int>());
        Assert.Equal(50001, (await client.SendAsync(DiscordClient.Account, "let me in", thread.Id)).Code);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(DiscordClient.Listener, $"/channels/{thread.Id}")).Status);
    }

    [Fact]
    public async Task Mention_InAPrivateThread_AddsTheUser()
    {
        await using var client = await DiscordClient.StartAsync();
        var thread = await client.RequestAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "ours" });

        await client.SendAsync(DiscordSeeds.Accounts[1], $"<@{DiscordClient.Account.Id}> come in", thread.Id);

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(DiscordClient.Account, "thanks", thread.Id)).Status);
    }

    [Fact]
    public async Task Create_Public_IsVisibleAndAnnouncedInTheParent()
    {
        await using var client = await DiscordClient.StartAsync();

        var thread = await client.RequestAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "open", ["type"] = 11 });
        var said = await client.SendAsync(DiscordClient.Account, "hello", thread.Id);
        var parent = await client.GetAsync(DiscordClient.Account, $"{General}/messages");

        Assert.Equal(HttpStatusCode.OK, said.Status);
        Assert.Equal(18, parent.Body![0]!["type"]!.GetValue<int>());
    }

    [Fact]
    public async Task Create_FromAMessage_HasTheIdOfTheMessage()
    {
        await using var client = await DiscordClient.StartAsync();
        var starter = await client.SendAsync(DiscordClient.Account, "start");

        var thread = await client.RequestAsync(DiscordClient.Account, "POST", $"{General}/messages/{starter.Id}/threads", new JsonObject { ["name"] = "t" });
        var again = await client.RequestAsync(DiscordClient.Account, "POST", $"{General}/messages/{starter.Id}/threads", new JsonObject { ["name"] = "t" });

        Assert.Equal(starter.Id, thread.Id);
        Assert.Equal(11, thread.Body!["type"]!.GetValue<int>());
        Assert.Equal(160004, again.Code);
    }

    [Theory]
    [InlineData("""{"name":"x","type":0}""", "type")]
    [InlineData("""{"name":"x","auto_archive_duration":61}""", "auto_archive_duration")]
    [InlineData("""{"type":11}""", "name")]
    public async Task Create_InvalidBody_TheErrorNamesTheField(string body, string field)
    {
        await using var client = await DiscordClient.StartAsync();

        var refused = await client.RequestAsync(DiscordClient.Account, "POST", $"{General}/threads", JsonNode.Parse(body));

        Assert.NotNull(refused.Body!["errors"]![field]);
    }

    [Fact]
    public async Task Post_OpensAnArchivedThreadButNotALockedOne()
    {
        await using var client = await DiscordClient.StartAsync();
        var thread = await client.RequestAsync(DiscordClient.Listener, "POST", $"{General}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        var path = $"/channels/{thread.Id}";

        await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["archived"] = true });
        var posted = await client.SendAsync(DiscordClient.Account, "wake up", thread.Id);
        var awake = await client.GetAsync(DiscordClient.Account, path);
        await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["locked"] = true });
        var refused = await client.SendAsync(DiscordClient.Account, "hello?", thread.Id);

        Assert.Equal(HttpStatusCode.OK, posted.Status);
        Assert.False(awake.Body!["thread_metadata"]!["archived"]!.GetValue<bool>());
        Assert.Equal(160005, refused.Code);
    }

    [Fact]
    public async Task Members_CanJoinAndLeave()
    {
        await using var client = await DiscordClient.StartAsync();
        var thread = await client.RequestAsync(DiscordClient.Listener, "POST", $"{General}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        var members = $"/channels/{thread.Id}/thread-members";

        await client.RequestAsync(DiscordClient.Account, "PUT", $"{members}/@me");
        var both = await client.GetAsync(DiscordClient.Listener, members);
        await client.RequestAsync(DiscordClient.Account, "DELETE", $"{members}/@me");
        var one = await client.GetAsync(DiscordClient.Listener, members);

        Assert.Equal((2, 1), (both.Body!.AsArray().Count, one.Body!.AsArray().Count));
    }
}
