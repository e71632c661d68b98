using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ThreadTests
{
    private static string General => $"/channels/{DiscordFixture.Guild.GeneralId}";

    [Fact]
    public async Task Create_WithoutAType_IsPrivateAndHiddenFromOthers()
    {
        await using var house = await DiscordFixture.StartAsync();

        var thread = await house.CallAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "ours" });

        Assert.Equal(HttpStatusCode.Created, thread.Status);
        Assert.Equal(12, thread.Body!["type"]!.GetValue<int>());
        Assert.Equal(50001, (await house.SendAsync(DiscordFixture.Account, "let me in", thread.Id)).Code);
        Assert.Equal(HttpStatusCode.OK, (await house.GetAsync(DiscordFixture.Listener, $"/channels/{thread.Id}")).Status);
    }

    [Fact]
    public async Task Mention_InAPrivateThread_AddsTheUser()
    {
        await using var house = await DiscordFixture.StartAsync();
        var thread = await house.CallAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "ours" });

        await house.SendAsync(DiscordSeeds.Accounts[1], $"<@{DiscordFixture.Account.Id}> come in", thread.Id);

        Assert.Equal(HttpStatusCode.OK, (await house.SendAsync(DiscordFixture.Account, "thanks", thread.Id)).Status);
    }

    [Fact]
    public async Task Create_Public_IsOpenAndAnnouncedInTheParent()
    {
        await using var house = await DiscordFixture.StartAsync();

        var thread = await house.CallAsync(DiscordSeeds.Accounts[1], "POST", $"{General}/threads", new JsonObject { ["name"] = "open", ["type"] = 11 });
        var said = await house.SendAsync(DiscordFixture.Account, "hello", thread.Id);
        var parent = await house.GetAsync(DiscordFixture.Account, $"{General}/messages");

        Assert.Equal(HttpStatusCode.OK, said.Status);
        Assert.Equal(18, parent.Body![0]!["type"]!.GetValue<int>());
    }

    [Fact]
    public async Task Create_FromAMessage_TakesItsIdOnce()
    {
        await using var house = await DiscordFixture.StartAsync();
        var starter = await house.SendAsync(DiscordFixture.Account, "start");

        var thread = await house.CallAsync(DiscordFixture.Account, "POST", $"{General}/messages/{starter.Id}/threads", new JsonObject { ["name"] = "t" });
        var again = await house.CallAsync(DiscordFixture.Account, "POST", $"{General}/messages/{starter.Id}/threads", new JsonObject { ["name"] = "t" });

        Assert.Equal(starter.Id, thread.Id);
        Assert.Equal(11, thread.Body!["type"]!.GetValue<int>());
        Assert.Equal(160004, again.Code);
    }

    [Theory]
    [InlineData("""{"name":"x","type":0}""", "type")]
    [InlineData("""{"name":"x","auto_archive_duration":61}""", "auto_archive_duration")]
    [InlineData("""{"type":11}""", "name")]
    public async Task Create_BadBody_NamesTheField(string body, string field)
    {
        await using var house = await DiscordFixture.StartAsync();

        var refused = await house.CallAsync(DiscordFixture.Account, "POST", $"{General}/threads", JsonNode.Parse(body));

        Assert.NotNull(refused.Body!["errors"]![field]);
    }

    [Fact]
    public async Task Archived_ThreadOpensWhenSomebodyPosts_AndALockedOneDoesNot()
    {
        await using var house = await DiscordFixture.StartAsync();
        var thread = await house.CallAsync(DiscordFixture.Listener, "POST", $"{General}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        var path = $"/channels/{thread.Id}";

        await house.CallAsync(DiscordFixture.Listener, "PATCH", path, new JsonObject { ["archived"] = true });
        var posted = await house.SendAsync(DiscordFixture.Account, "wake up", thread.Id);
        var awake = await house.GetAsync(DiscordFixture.Account, path);
        await house.CallAsync(DiscordFixture.Listener, "PATCH", path, new JsonObject { ["locked"] = true });
        var refused = await house.SendAsync(DiscordFixture.Account, "hello?", thread.Id);

        Assert.Equal(HttpStatusCode.OK, posted.Status);
        Assert.False(awake.Body!["thread_metadata"]!["archived"]!.GetValue<bool>());
        Assert.Equal(160005, refused.Code);
    }

    [Fact]
    public async Task Members_JoinAndLeave()
    {
        await using var house = await DiscordFixture.StartAsync();
        var thread = await house.CallAsync(DiscordFixture.Listener, "POST", $"{General}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        var members = $"/channels/{thread.Id}/thread-members";

        await house.CallAsync(DiscordFixture.Account, "PUT", $"{members}/@me");
        var both = await house.GetAsync(DiscordFixture.Listener, members);
        await house.CallAsync(DiscordFixture.Account, "DELETE", $"{members}/@me");
        var one = await house.GetAsync(DiscordFixture.Listener, members);

        Assert.Equal((2, 1), (both.Body!.AsArray().Count, one.Body!.AsArray().Count));
    }
}
