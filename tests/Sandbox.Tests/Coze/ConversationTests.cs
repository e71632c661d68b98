using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ConversationTests
{
    [Fact]
    public async Task Create_WithMessages_StoresThem()
    {
        await using var client = await CozeClient.StartAsync();

        var body = JsonNode.Parse(
            $$"""{"bot_id":"{{CozeClient.Bot}}","name":"talk","meta_data":{"a":"b"},"messages":[{"role":"user","content":"hi","content_type":"text"}]}""");
        var created = (await client.PostAsync("v1/conversation/create", body))["data"]!;
        var retrieved = (await client.GetAsync($"v1/conversation/retrieve?conversation_id={created["id"]}"))["data"]!;

        Assert.Equal(created.ToJsonString(), retrieved.ToJsonString());
        Assert.Equal("talk", (string?)retrieved["name"]);
        Assert.Equal("b", (string?)retrieved["meta_data"]!["a"]);
        Assert.NotEmpty((string)retrieved["last_section_id"]!);
        Assert.Equal("hi", (string?)(await ListAsync(client, created))["data"]![0]!["content"]);
    }

    [Theory]
    [InlineData("""{"bot_id":"1"}""", 4006)]
    [InlineData("""{"messages":[{"role":"system","content":"x"}]}""", 4000)]
    [InlineData("""{"messages":[1]}""", 4000)]
    public async Task Create_InvalidBody_IsRefused(string body, int code)
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(code, (int)(await client.PostAsync("v1/conversation/create", JsonNode.Parse(body)))["code"]!);
    }

    [Fact]
    public async Task Create_SeventeenMessagesOrALongName_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();
        var messages = new JsonArray([.. Enumerable.Range(0, 17).Select(_ => new JsonObject { ["role"] = "user", ["content"] = "x" })]);

        Assert.Equal(4004, (int)(await client.PostAsync("v1/conversation/create", new JsonObject { ["messages"] = messages }))["code"]!);
        Assert.Equal(4000, (int)(await client.PostAsync("v1/conversation/create", new JsonObject { ["name"] = new string('n', 101) }))["code"]!);
    }

    [Fact]
    public async Task List_ReturnsTheConversationsOfTheBotNewestFirst()
    {
        await using var client = await CozeClient.StartAsync();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++) ids.Add((string)(await CreateAsync(client))["id"]!);

        var first = (await client.GetAsync($"v1/conversations?bot_id={CozeClient.Bot}&page_num=1&page_size=2"))["data"]!;
        var second = (await client.GetAsync($"v1/conversations?bot_id={CozeClient.Bot}&page_num=2&page_size=2"))["data"]!;

        Assert.Equal([ids[2], ids[1]], first["conversations"]!.AsArray().Select(c => (string?)c!["id"]));
        Assert.True((bool)first["has_more"]!);
        Assert.Equal([ids[0]], second["conversations"]!.AsArray().Select(c => (string?)c!["id"]));
        Assert.False((bool)second["has_more"]!);
    }

    [Fact]
    public async Task List_MoreThanFifty_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4000, (int)(await client.GetAsync($"v1/conversations?bot_id={CozeClient.Bot}&page_size=51"))["code"]!);
    }

    [Fact]
    public async Task Update_ChangesTheName()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = await CreateAsync(client);

        await client.SendJsonAsync(HttpMethod.Put, $"v1/conversations/{conversation["id"]}", new JsonObject { ["name"] = "renamed" });

        Assert.Equal("renamed", (string?)(await client.GetAsync($"v1/conversation/retrieve?conversation_id={conversation["id"]}"))["data"]!["name"]);
    }

    [Fact]
    public async Task Delete_RemovesTheConversation()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = await CreateAsync(client);

        Assert.Equal(0, (int)(await client.SendJsonAsync(HttpMethod.Delete, $"v1/conversations/{conversation["id"]}"))["code"]!);
        Assert.Equal(4002, (int)(await client.GetAsync($"v1/conversation/retrieve?conversation_id={conversation["id"]}"))["code"]!);
    }

    [Fact]
    public async Task Clear_StartsANewSection()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = await CreateAsync(client);

        var section = (await client.PostAsync($"v1/conversations/{conversation["id"]}/clear"))["data"]!;

        Assert.Equal((string?)conversation["id"], (string?)section["conversation_id"]);
        Assert.NotEqual((string?)conversation["last_section_id"], (string?)section["id"]);
    }

    [Fact]
    public async Task Message_IsCreatedReadModifiedAndDeleted()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = await CreateAsync(client);
        var query = $"?conversation_id={conversation["id"]}";

        var created = (await client.PostAsync($"v1/conversation/message/create{query}", Message("one")))["data"]!;
        query += $"&message_id={created["id"]}";
        var modified = await client.PostAsync($"v1/conversation/message/modify{query}", new JsonObject { ["content"] = "two" });
        var read = (await client.GetAsync($"v1/conversation/message/retrieve{query}"))["data"]!;
        var deleted = await client.PostAsync($"v1/conversation/message/delete{query}");
        var afterDelete = await client.GetAsync($"v1/conversation/message/retrieve{query}");

        Assert.Equal("two", (string?)modified["message"]!["content"]);
        Assert.Null(modified["data"]);
        Assert.Equal("two", (string?)read["content"]);
        Assert.Equal((string?)created["id"], (string?)deleted["data"]!["id"]);
        Assert.Equal(4200, (int)afterDelete["code"]!);
    }

    [Fact]
    public async Task MessageList_IsOrderedAndPaged()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = await CreateAsync(client);
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
            ids.Add((string)(await client.PostAsync($"v1/conversation/message/create?conversation_id={conversation["id"]}", Message($"{i}")))["data"]!["id"]!);

        var newest = await ListAsync(client, conversation, """{"limit":2}""");
        var after = await ListAsync(client, conversation, $$"""{"order":"asc","after_id":"{{ids[1]}}"}""");
        var before = await ListAsync(client, conversation, $$"""{"order":"asc","before_id":"{{ids[1]}}"}""");

        Assert.Equal([ids[3], ids[2]], Ids(newest));
        Assert.True((bool)newest["has_more"]!);
        Assert.Equal((ids[3], ids[2]), ((string?)newest["first_id"], (string?)newest["last_id"]));
        Assert.Equal([ids[2], ids[3]], Ids(after));
        Assert.False((bool)after["has_more"]!);
        Assert.Equal([ids[0]], Ids(before));
    }

    [Theory]
    [InlineData("""{"limit":51}""")]
    [InlineData("""{"order":"random"}""")]
    [InlineData("""{"after_id":"1"}""")]
    public async Task MessageList_InvalidRequest_IsRefused(string body)
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4000, (int)(await ListAsync(client, await CreateAsync(client), body))["code"]!);
    }

    private static async Task<JsonNode> CreateAsync(CozeClient client) =>
        (await client.PostAsync("v1/conversation/create", new JsonObject { ["bot_id"] = CozeClient.Bot }))["data"]!;

    private static Task<JsonNode> ListAsync(CozeClient client, JsonNode conversation, string body = "{}") =>
        client.PostAsync($"v1/conversation/message/list?conversation_id={conversation["id"]}", JsonNode.Parse(body));

    private static IEnumerable<string?> Ids(JsonNode page) => page["data"]!.AsArray().Select(m => (string?)m!["id"]);

    private static JsonObject Message(string content) => new() { ["role"] = "user", ["content"] = content, ["content_type"] = "text" };
}
