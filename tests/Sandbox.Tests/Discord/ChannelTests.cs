using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ChannelTests
{
    private static string Channels => $"/guilds/{DiscordFixture.Guild.Id}/channels";

    [Fact]
    public async Task Create_UnderACategory_IsListed()
    {
        await using var house = await DiscordFixture.StartAsync();

        var made = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "My Chat", ["topic"] = "ours", ["parent_id"] = DiscordFixture.Guild.CategoryId,
        });
        var list = await house.GetAsync(DiscordFixture.Account, Channels);

        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Equal("my-chat", made.Body!["name"]!.GetValue<string>());
        Assert.Contains(list.Body!.AsArray(), c => c!["id"]!.GetValue<string>() == made.Id && c["parent_id"]!.GetValue<string>() == DiscordFixture.Guild.CategoryId);
    }

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"name":"x","type":11}""", "type")]
    [InlineData("""{"name":"x","parent_id":"1"}""", "parent_id")]
    public async Task Create_BadBody_NamesTheField(string body, string field)
    {
        await using var house = await DiscordFixture.StartAsync();

        var refused = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, JsonNode.Parse(body));

        Assert.Equal(50035, refused.Code);
        Assert.NotNull(refused.Body!["errors"]![field]);
    }

    [Fact]
    public async Task Create_WithoutTheRight_Is50013()
    {
        await using var house = await DiscordFixture.StartAsync();

        var refused = await house.CallAsync(DiscordFixture.Account, "POST", Channels, new JsonObject { ["name"] = "x" });

        Assert.Equal((HttpStatusCode.Forbidden, 50013), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Create_InAFullGuild_Is30013AndInAFullCategory50035()
    {
        await using var house = await DiscordFixture.StartAsync(new DiscordSandboxOptions { ChannelsPerGuild = 5, ChannelsPerCategory = 1 });
        var inCategory = new JsonObject { ["name"] = "x", ["parent_id"] = DiscordFixture.Guild.CategoryId };

        await house.CallAsync(DiscordFixture.Listener, "POST", Channels, inCategory);
        var categoryFull = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, inCategory);
        await house.CallAsync(DiscordFixture.Listener, "POST", Channels, new JsonObject { ["name"] = "y" });
        var guildFull = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, new JsonObject { ["name"] = "z" });

        Assert.Equal("CHANNEL_PARENT_MAX_CHANNELS", categoryFull.Body!["errors"]!["parent_id"]!["_errors"]![0]!["code"]!.GetValue<string>());
        Assert.Equal((HttpStatusCode.BadRequest, 30013), (guildFull.Status, guildFull.Code));
    }

    [Fact]
    public async Task Change_NameAndTopic_IsSeen()
    {
        await using var house = await DiscordFixture.StartAsync();
        var path = $"/channels/{DiscordFixture.Guild.FixedId}";

        await house.CallAsync(DiscordFixture.Listener, "PATCH", path, new JsonObject { ["name"] = "renamed", ["topic"] = "new" });
        var channel = await house.GetAsync(DiscordFixture.Account, path);
        var refused = await house.CallAsync(DiscordFixture.Account, "PATCH", path, new JsonObject { ["name"] = "no" });

        Assert.Equal(("renamed", "new"), (channel.Body!["name"]!.GetValue<string>(), channel.Body["topic"]!.GetValue<string>()));
        Assert.Equal(50013, refused.Code);
    }

    [Fact]
    public async Task Delete_Category_LeavesItsChildrenWithoutParent()
    {
        await using var house = await DiscordFixture.StartAsync();
        var child = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "child", ["parent_id"] = DiscordFixture.Guild.CategoryId,
        });

        await house.CallAsync(DiscordFixture.Listener, "DELETE", $"/channels/{DiscordFixture.Guild.CategoryId}");

        Assert.Null((await house.GetAsync(DiscordFixture.Listener, $"/channels/{child.Id}")).Body!["parent_id"]);
        Assert.Equal(10003, (await house.GetAsync(DiscordFixture.Listener, $"/channels/{DiscordFixture.Guild.CategoryId}")).Code);
    }

    [Fact]
    public async Task Overwrites_DenyingTheView_HideTheChannel()
    {
        await using var house = await DiscordFixture.StartAsync();
        var made = await house.CallAsync(DiscordFixture.Listener, "POST", Channels, new JsonObject
        {
            ["name"] = "hidden",
            ["permission_overwrites"] = new JsonArray(
                new JsonObject { ["id"] = DiscordFixture.Account.Id, ["type"] = 1, ["allow"] = "0", ["deny"] = "1024" },
                new JsonObject { ["id"] = DiscordSeeds.Accounts[1].Id, ["type"] = 1, ["allow"] = "0", ["deny"] = "2048" }),
        });

        Assert.Equal(50001, (await house.GetAsync(DiscordFixture.Account, $"/channels/{made.Id}")).Code);
        Assert.Equal(50013, (await house.SendAsync(DiscordSeeds.Accounts[1], "x", made.Id)).Code);
        Assert.Equal(HttpStatusCode.OK, (await house.SendAsync(DiscordSeeds.Accounts[2], "x", made.Id)).Status);
    }
}
