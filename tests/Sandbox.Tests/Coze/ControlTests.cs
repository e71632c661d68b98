using System.Net;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ControlTests
{
    [Fact]
    public async Task Script_ForTwoChats_IsUsedBeforeTheDefaultScript()
    {
        await using var client = await CozeClient.StartAsync();

        await ScriptAsync(client, "say=default", times: null);
        await ScriptAsync(client, "say=next", times: 2);

        Assert.Equal("next", (await client.StreamAsync("x")).Text());
        Assert.Equal("next", (await client.StreamAsync("x")).Text());
        Assert.Equal("default", (await client.StreamAsync("x")).Text());
    }

    [Fact]
    public async Task Script_IsOverriddenByThePrompt()
    {
        await using var client = await CozeClient.StartAsync();
        client.Coze.Script("say=script followups=1");

        var events = await client.StreamAsync("[[say=prompt]]");

        Assert.Equal("prompt", events.Text());
        Assert.Single(events.Messages("follow_up"));
    }

    [Theory]
    [InlineData("""{"script":"frobnicate"}""", "unknown directive 'frobnicate'")]
    [InlineData("""{"script":"pace=soon"}""", "directive 'pace'")]
    [InlineData("""{"times":1}""", "script is required")]
    [InlineData("""{"script":"image","times":0}""", "times")]
    public async Task Script_Invalid_Is400AndTheErrorSaysWhy(string body, string reason)
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(HttpMethod.Post, "sandbox/script", JsonNode.Parse(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(reason, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!["error"]);
        Assert.Throws<ArgumentException>(() => client.Coze.Script("frobnicate"));
    }

    [Theory]
    [InlineData("GET", "sandbox/chats?wait=soon", null, "duration")]
    [InlineData("GET", "sandbox/chats?wait=1s&count=0", null, "count")]
    [InlineData("POST", "sandbox/script", "[]", "malformed")]
    [InlineData("POST", "sandbox/faults", """{"http":503}""", "path")]
    [InlineData("POST", "sandbox/faults", """{"path":"/x","http":99}""", "http")]
    [InlineData("POST", "sandbox/faults", """{"path":"/x","delay":"soon"}""", "duration")]
    [InlineData("POST", "sandbox/tokens", """{"permissions":["all"]}""", "permission 'all'")]
    [InlineData("POST", "sandbox/tokens/expire", """{"token":"x"}""", "token")]
    public async Task Control_InvalidRequest_Is400AndTheErrorNamesTheField(string method, string path, string? body, string expectedText)
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(new HttpMethod(method), path, body is null ? null : JsonNode.Parse(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(expectedText, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!["error"]);
    }

    [Fact]
    public async Task Fault_AffectsOnlyTheNextRequestsOfItsPath()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StreamAsync("Hello");
        var chat = client.Coze.Chats.Single();
        var path = $"v3/chat/retrieve?conversation_id={chat.ConversationId}&chat_id={chat.Id}";
        await client.SendAsync(HttpMethod.Post, "sandbox/faults", JsonNode.Parse("""{"path":"/v3/chat/retrieve","http":503}"""));
        await client.SendAsync(HttpMethod.Post, "sandbox/faults", JsonNode.Parse("""{"path":"/v3/chat/retrieve","error":5000,"delay":"1ms"}"""));

        using var first = await client.SendAsync(HttpMethod.Get, path);
        var second = await client.GetAsync(path);
        var third = await client.GetAsync(path);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, first.StatusCode);
        Assert.Equal(5000, (int)second["code"]!);
        Assert.Equal(0, (int)third["code"]!);
        Assert.NotEmpty(await client.MessagesAsync(chat));
    }

    [Fact]
    public async Task Chats_AreFilteredAndContainTheRecord()
    {
        await using var client = await CozeClient.StartAsync();
        await StreamWithTurnAsync(client, "t1", "[[say=one]]");
        await StreamWithTurnAsync(client, "t2", "[[say=two]]");

        var chats = (await client.GetAsync("sandbox/chats?meta.turn=t2&status=completed&ended=true"))["chats"]!.AsArray();

        var chat = Assert.Single(chats)!;
        Assert.Equal("two", (string?)chat["answers"]![0]);
        Assert.Equal("[[say=two]]", (string?)chat["request"]![0]!["content"]);
        Assert.Equal(client.Coze.Chats[1].Id, (string?)chat["id"]);
    }

    [Fact]
    public async Task Chats_WithWait_AreReturnedWhenOneMatches()
    {
        await using var client = await CozeClient.StartAsync();

        var waiting = client.GetAsync("sandbox/chats?meta.turn=t1&status=completed&wait=30s");
        await StreamWithTurnAsync(client, "t1", "Hello");

        Assert.Single((await waiting)["chats"]!.AsArray());
    }

    [Fact]
    public async Task Chats_WithoutAMatchInTime_Is504()
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(HttpMethod.Get, "sandbox/chats?wait=1ms");

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    [Fact]
    public async Task Counts_AreGroupedByStatusAndMetaKey()
    {
        await using var client = await CozeClient.StartAsync();
        await StreamWithTurnAsync(client, "t1", "Hello");
        await StreamWithTurnAsync(client, "t1", "Hello [[error=5000]]");
        await StreamWithTurnAsync(client, "t2", "Hello");
        await client.PostAsync("v3/chat", CozeClient.Body("[[early_error=4011]]"));

        var counts = await client.GetAsync("sandbox/counts?meta=turn");

        Assert.Equal((3, 2, 1), ((int)counts["total"]!, (int)counts["completed"]!, (int)counts["failed"]!));
        Assert.Equal(1, (int)counts["refused"]!["4011"]!);
        Assert.Equal((2, 1), ((int)counts["by_meta"]!["t1"]!, (int)counts["by_meta"]!["t2"]!));
    }

    [Fact]
    public async Task Tokens_AreCreatedAndExpired()
    {
        await using var client = await CozeClient.StartAsync();

        var token = (string)(await client.PostAsync("sandbox/tokens", JsonNode.Parse("""{"permissions":["chat"],"expires_in_seconds":60}""")))["token"]!;
        client.Token = token;

        Assert.Equal(4101, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
        await client.SendAsync(HttpMethod.Post, "sandbox/tokens/expire", new JsonObject { ["token"] = token });
        Assert.Equal(700012006, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
        using var unknown = await client.SendAsync(HttpMethod.Post, "sandbox/tokens", JsonNode.Parse("""{"permissions":["everything"]}"""));
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task OAuthApp_ContainsTheKeyForSigning()
    {
        await using var client = await CozeClient.StartAsync();

        var app = await client.GetAsync("sandbox/oauth-app");

        Assert.Equal(client.Coze.OAuth.KeyId, (string?)app["key_id"]);
        Assert.Equal(client.Coze.OAuth.PrivateKeyPem, (string?)app["private_key"]);
    }

    [Fact]
    public async Task Reset_RemovesTheStateAndStopsRunningChats()
    {
        await using var client = await CozeClient.StartAsync();
        var token = client.Coze.MintToken();
        client.Coze.Script("say=default", times: null);
        await using var stream = await client.OpenAsync("[[stall_after=1]]");
        await stream.ReadUntilAsync(CozeEvents.Delta);
        var chat = client.Coze.Chats.Single();

        await client.SendAsync(HttpMethod.Post, "sandbox/reset");

        Assert.Empty(client.Coze.Chats);
        await client.Coze.WaitForAsync(() => !chat.IsProducing, client.TimeoutToken);
        Assert.NotEqual("default", (await client.StreamAsync("Hello")).Text());
        Assert.Equal(1, client.Coze.Chats.Single().Sequence);
        client.Token = token;
        Assert.Equal(4100, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
    }

    [Fact]
    public async Task KeepChats_RemovesTheOldestEndedChats()
    {
        await using var client = await CozeClient.StartAsync(new SandboxOptions { KeepChats = 2 });
        for (var i = 1; i <= 4; i++) await client.StreamAsync($"{i}");

        await client.Coze.WaitForAsync(() => client.Coze.Chats.Count == 2, client.TimeoutToken);

        Assert.Equal(["3", "4"], client.Coze.Chats.Select(c => c.Prompt));
    }

    private static Task<HttpResponseMessage> ScriptAsync(CozeClient client, string script, int? times) =>
        client.SendAsync(HttpMethod.Post, "sandbox/script", new JsonObject { ["script"] = script, ["times"] = times });

    private static async Task StreamWithTurnAsync(CozeClient client, string turn, string prompt)
    {
        var body = CozeClient.Body(prompt);
        body["meta_data"] = new JsonObject { ["turn"] = turn };
        await client.StreamAsync("v3/chat", body);
    }
}
