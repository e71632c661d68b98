using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ChannelTests
{
    private static string Channels => $"/guilds/{DiscordClient.Guild.Id}/channels";

    [Fact]
    public async Task Create_InACategory_IsListed()
    {
        await using var client = await DiscordClient.StartAsync();

        var created = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "My Chat", ["topic"] = "ours", ["parent_id"] = DiscordClient.Guild.CategoryId,
        });
        var list = await client.GetAsync(DiscordClient.Account, Channels);

        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Equal("my-chat", created.Body!["name"]!.GetValue<string>());
        var listed = list.Body!.AsArray().Single(c => c!["id"]!.GetValue<string>() == created.Id)!;
        Assert.Equal(DiscordClient.Guild.CategoryId, listed["parent_id"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"name":"x","type":11}""", "type")]
    [InlineData("""{"name":"x","parent_id":"1"}""", "parent_id")]
    public async Task Create_InvalidBody_TheErrorNamesTheField(string body, string field)
    {
        await using var client = await DiscordClient.StartAsync();

        var refused = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, JsonNode.Parse(body));

        Assert.Equal(50035, refused.Code);
        Assert.NotNull(refused.Body!["errors"]![field]);
    }

    [Fact]
    public async Task Create_WithoutThePermission_Is50013()
    {
        await using var client = await DiscordClient.StartAsync();

        var refused = await client.RequestAsync(DiscordClient.Account, "POST", Channels, new JsonObject { ["name"] = "x" });

        Assert.Equal((HttpStatusCode.Forbidden, 50013), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Create_InAFullGuildOrCategory_IsRefused()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { ChannelsPerGuild = 5, ChannelsPerCategory = 1 });
        var inCategory = new JsonObject { ["name"] = "x", ["parent_id"] = DiscordClient.Guild.CategoryId };

        await client.RequestAsync(DiscordClient.Listener, "POST", Channels, inCategory);
        var categoryFull = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, inCategory);
        await client.RequestAsync(DiscordClient.Listener, "POST", Channels, new JsonObject { ["name"] = "y" });
        var guildFull = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, new JsonObject { ["name"] = "z" });

        Assert.Equal("CHANNEL_PARENT_MAX_CHANNELS", categoryFull.Body!["errors"]!["parent_id"]!["_errors"]![0]!["code"]!.GetValue<string>());
        Assert.Equal((HttpStatusCode.BadRequest, 30013), (guildFull.Status, guildFull.Code));
    }

    [Fact]
    public async Task Update_NameAndTopic_AreChanged()
    {
        await using var client = await DiscordClient.StartAsync();
        var path = $"/channels/{DiscordClient.Guild.FixedId}";

        await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["name"] = "renamed", ["topic"] = "new" });
        var channel = await client.GetAsync(DiscordClient.Account, path);
        var refused = await client.RequestAsync(DiscordClient.Account, "PATCH", path, new JsonObject { ["name"] = "no" });

        Assert.Equal(("renamed", "new"), (channel.Body!["name"]!.GetValue<string>(), channel.Body["topic"]!.GetValue<string>()));
        Assert.Equal(50013, refused.Code);
    }

    [Fact]
    public async Task Delete_Category_KeepsItsChannelsWithoutAParent()
    {
        await using var client = await DiscordClient.StartAsync();
        var child = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "child", ["parent_id"] = DiscordClient.Guild.CategoryId,
        });

        await client.RequestAsync(DiscordClient.Listener, "DELETE", $"/channels/{DiscordClient.Guild.CategoryId}");

        Assert.Null((await client.GetAsync(DiscordClient.Listener, $"/channels/{child.Id}")).Body!["parent_id"]);
        Assert.Equal(10003, (await client.GetAsync(DiscordClient.Listener, $"/channels/{DiscordClient.Guild.CategoryId}")).Code);
    }

    [Fact]
    public async Task Overwrites_CanDenyViewingAndSending()
    {
        await using var client = await DiscordClient.StartAsync();
        var created = await client.RequestAsync(DiscordClient.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "hidden",
            ["permission_overwrites"] = new JsonArray(
                new JsonObject { ["id"] = DiscordClient.Account.Id, ["type"] = 1, ["allow"] = "0", ["deny"] = "1024" },
                new JsonObject { ["id"] = DiscordSeeds.Accounts[1].Id, ["type"] = 1, ["allow"] = "0", ["deny"] = "2048" }),
        });

        Assert.Equal(50001, (await client.GetAsync(DiscordClient.Account, $"/channels/{created.Id}")).Code);
        Assert.Equal(50013, (await client.SendAsync(DiscordSeeds.Accounts[1], "x", created.Id)).Code);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(DiscordSeeds.Accounts[2], "x", created.Id)).Status);
    }
}
