using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ControlTests
{
    [Fact]
    public async Task Seeds_AreListedWithTheirTokens()
    {
        await using var client = await DiscordClient.StartAsync();

        var seeds = await GetAsync(client, "seeds");

        Assert.Equal((3, 6, 2, 2), (Count("listeners"), Count("accounts"), Count("coze_bots"), Count("guilds")));
        Assert.Equal("sandbox-account-6", seeds["accounts"]![5]!["token"]!.GetValue<string>());

        int Count(string kind) => seeds[kind]!.AsArray().Count;
    }

    [Fact]
    public async Task ScriptRecordsAndCounts_WorkOverHttp()
    {
        await using var client = await DiscordClient.StartAsync();

        await PostAsync(client, "script", """{"script":"say=scripted","times":1}""");
        await client.PromptAsync("hi");
        var finished = await GetAsync(client, "records?kind=reply_finished&wait=30s");
        var counts = await GetAsync(client, "counts");
        var messages = await GetAsync(client, $"channels/{DiscordClient.Guild.GeneralId}/messages");

        Assert.Equal("scripted", finished[0]!["detail"]!.GetValue<string>());
        Assert.Equal(2, counts["message_created"]!.GetValue<long>());
        Assert.Equal("scripted", messages[1]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Users_CanBeChangedOverHttp()
    {
        await using var client = await DiscordClient.StartAsync();

        await PostAsync(client, $"users/{DiscordClient.Account.Id}", """{"needs_verification":true,"coze_notice":"daily_limit"}""");
        var refused = await client.SendAsync(DiscordClient.Account, "x");
        await PostAsync(client, $"users/{DiscordClient.Account.Id}", """{"needs_verification":false,"coze_notice":null}""");
        await PostAsync(client, $"users/{DiscordSeeds.Accounts[5].Id}", $$"""{"join_guild":"{{DiscordSeeds.Guilds[1].Id}}"}""");

        Assert.Equal(40002, refused.Code);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(DiscordClient.Account, "x")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(DiscordSeeds.Accounts[5], "x", DiscordSeeds.Guilds[1].GeneralId)).Status);
    }

    [Theory]
    [InlineData("script", """{"script":"nonsense"}""", "unknown directive 'nonsense'")]
    [InlineData("script", """{}""", "script is required")]
    [InlineData("faults", """{"kind":"flood"}""", "kind is none of rate_limit, status, cut, lose_answer, delay_answer")]
    [InlineData("users/1", """{"needs_verification":true}""", "there is no user 1")]
    public async Task InvalidRequests_GetAnErrorText(string path, string body, string error)
    {
        await using var client = await DiscordClient.StartAsync();

        using var response = await client.Http.PostAsync($"sandbox/{path}", new StringContent(body), client.TimeoutToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(error, JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!["error"]!.GetValue<string>());
    }

    [Fact]
    public async Task Limits_SwitchedOff_AreRestoredByAReset()
    {
        await using var client = await DiscordClient.StartAsync();

        await PostAsync(client, "limits", """{"on":false}""");
        var free = await client.SendAsync(DiscordClient.Account, "x");
        await PostAsync(client, "reset", "");
        var limited = await client.SendAsync(DiscordClient.Account, "x");

        Assert.Equal((null, "5"), (free.Header("X-RateLimit-Limit"), limited.Header("X-RateLimit-Limit")));
    }

    [Fact]
    public async Task Reset_RestoresTheInitialState()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();
        await client.PromptAsync("[[chunks=1000 pace=1m]]");
        await client.RequestAsync(DiscordClient.Listener, "DELETE", $"/channels/{DiscordClient.Guild.FixedId}");
        client.Discord.RevokeToken(DiscordClient.Account.Id);

        await PostAsync(client, "reset", "");

        Assert.Null(await gateway.CloseCodeAsync());
        Assert.Empty(client.Discord.MessagesOf(DiscordClient.Guild.GeneralId));
        Assert.Equal(3, client.Discord.ChannelsOf(DiscordClient.Guild.Id).Count);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(DiscordClient.Account, "x")).Status);
        Assert.Equal(1, client.Discord.Records.Count(DiscordRecordKind.MessageCreated));
        await using var again = await client.LogInAsync();
    }

    [Fact]
    public async Task PostAndEdit_ActAsACozeBot()
    {
        await using var client = await DiscordClient.StartAsync();
        var prompt = await client.PromptAsync("[[silent]]");

        var reply = client.Discord.Post(DiscordClient.CozeBot.Id, DiscordClient.Guild.GeneralId, "one", prompt);
        client.Discord.Edit(DiscordClient.Guild.GeneralId, reply, "one two", "Button");

        var message = client.Discord.MessagesOf(DiscordClient.Guild.GeneralId)[^1];
        Assert.Equal((reply, prompt, "one two", true, true), (message.Id, message.ReplyTo, message.Content, message.Edited, message.HasComponents));
    }

    private static async Task<JsonNode> GetAsync(DiscordClient client, string path) =>
        JsonNode.Parse(await client.Http.GetStringAsync($"sandbox/{path}", client.TimeoutToken))!;

    private static async Task PostAsync(DiscordClient client, string path, string body)
    {
        using var response = await client.Http.PostAsync($"sandbox/{path}", new StringContent(body, Encoding.UTF8, "application/json"), client.TimeoutToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }
}
