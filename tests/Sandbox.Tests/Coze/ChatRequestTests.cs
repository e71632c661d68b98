using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChatRequestTests
{
    private const string TwoTexts = """[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"image","file_url":"u"}]""";
    private const string Image = """[{"type":"image","file_url":"https://x.test/a.png"}]""";

    public static TheoryData<string, string, int, string> InvalidFields { get; } = new()
    {
        { "bot_id", "null", 4000, "bot_id" },
        { "bot_id", "\"\"", 4000, "bot_id" },
        { "bot_id", "7350000000000000001", 4000, "bot_id" },
        { "bot_id", "\"1\"", 4006, "1" },
        { "bot_id", "\"7350000000000000009\"", 4015, "published" },
        { "user_id", "null", 4000, "user_id" },
        { "stream", "\"yes\"", 4000, "stream" },
        { "additional_messages", "[]", 4014, "message" },
        { "additional_messages", "[null]", 4000, "additional_messages[0]" },
        { "additional_messages", Message("system", "text", "x"), 4000, "additional_messages[0].role" },
        { "additional_messages", Message("user", "card", "x"), 4000, "additional_messages[0].content_type" },
        { "additional_messages", Message("user", "text", ""), 4000, "additional_messages[0].content" },
        { "additional_messages", Message("assistant", "text", "x", "question"), 4000, "question" },
        { "additional_messages", Message("user", "text", "x", "function_call"), 4000, "function_call" },
        { "additional_messages", Message("user", "object_string", "no json"), 4000, "additional_messages[0].content" },
        { "additional_messages", Message("user", "object_string", """[{"type":"text","text":"a"}]"""), 4000, "only text" },
        { "additional_messages", Message("user", "object_string", TwoTexts), 4000, "more than one text" },
        { "additional_messages", Message("user", "object_string", """[{"type":"video","file_url":"u"}]"""), 4000, "video" },
        { "additional_messages", Message("user", "object_string", """[{"type":"text","text":"a"},{"type":"image"}]"""), 4000, "file_id" },
        { "additional_messages", Message("user", "object_string", Image), 4000, "no text" },
        { "additional_messages", Message("user", "object_string", """[{"type":"text","text":"a"},{"type":"file","file_id":"1"}]"""), 4300, "File 1" },
        { "meta_data", Pairs(17), 4003, "17" },
        { "meta_data", $"{{\"{new string('k', 65)}\":\"v\"}}", 4003, "key" },
        { "meta_data", $"{{\"k\":\"{new string('v', 513)}\"}}", 4003, "meta_data.k" },
        { "extra_params", """{"altitude":"1"}""", 4000, "altitude" },
        { "custom_variables", """{"a":1}""", 4000, "custom_variables" },
        { "publish_status", "\"draft\"", 4000, "publish_status" },
        { "shortcut_command", "{}", 4000, "command_id" },
        { "shortcut_command", """{"command_id":"1","parameters":{"p":"no json"}}""", 4000, "shortcut_command.parameters.p" },
    };

    [Theory]
    [MemberData(nameof(InvalidFields))]
    public async Task Chat_InvalidField_IsRefusedAndTheErrorNamesTheField(string field, string value, int code, string expectedText)
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("Hello");
        body[field] = JsonNode.Parse(value);

        var response = await client.PostAsync("v3/chat", body);

        Assert.Equal(code, (int)response["code"]!);
        Assert.Contains(expectedText, (string)response["msg"]!);
        Assert.Empty(client.Coze.Chats);
    }

    [Fact]
    public async Task Chat_MalformedJson_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.Http.PostAsync("v3/chat", new StringContent("{\"bot_id\": "), client.TimeoutToken);

        Assert.Contains("4000", await response.Content.ReadAsStringAsync(client.TimeoutToken));
    }

    [Theory]
    [InlineData(100, 0)]
    [InlineData(101, 4004)]
    public async Task Chat_MoreThanAHundredMessages_AreRefused(int count, int code)
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("Hello", stream: false);
        var messages = Enumerable.Range(0, count).Select(i => JsonNode.Parse(Message("user", "text", $"{i}"))![0]!.DeepClone());
        body["additional_messages"] = new JsonArray([.. messages]);

        Assert.Equal(code, (int)(await client.PostAsync("v3/chat", body))["code"]!);
    }

    [Fact]
    public async Task Chat_MediaNextToAText_IsAccepted()
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("[[say=fine]]");
        body["additional_messages"]!.AsArray().Add(JsonNode.Parse(Message("user", "object_string", Image))![0]!.DeepClone());

        Assert.Equal("fine", (await client.StreamAsync("v3/chat", body)).Text());
    }

    [Fact]
    public async Task Chat_ToolMessagesWithoutHistory_AreAccepted()
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("[[say=fine]]");
        body["auto_save_history"] = false;
        body["additional_messages"]!.AsArray().Insert(0, JsonNode.Parse(Message("assistant", "text", "{}", "function_call"))![0]!.DeepClone());

        Assert.Equal("fine", (await client.StreamAsync("v3/chat", body)).Text());
    }

    [Fact]
    public async Task Chat_UnknownConversation_Is4002()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(4002, (int)(await client.PostAsync("v3/chat?conversation_id=1", CozeClient.Body("Hello")))["code"]!);
    }

    [Fact]
    public async Task Chat_IsRecordedWithItsRequest()
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("Hello [[seed=3]]");
        body["meta_data"] = new JsonObject { ["turn"] = "t1" };
        body["additional_messages"]!.AsArray().Insert(0, JsonNode.Parse(Message("assistant", "text", "Hi"))![0]!.DeepClone());

        await client.StreamAsync("v3/chat", body);

        var chat = client.Coze.Chats.Single();
        Assert.Equal((CozeClient.Bot, "user-1", "pat_sandbox", true, true), (chat.BotId, chat.UserId, chat.Token, chat.Stream, chat.AutoSaveHistory));
        Assert.Equal("t1", chat.MetaData["turn"]);
        Assert.Equal("Hello", chat.Prompt);
        Assert.Equal([("assistant", "text", "Hi"), ("user", "text", "Hello [[seed=3]]")], chat.RequestMessages);
    }

    private static string Message(string role, string contentType, string content, string? type = null)
    {
        var message = new JsonObject { ["role"] = role, ["content_type"] = contentType, ["content"] = content };
        if (type is not null) message["type"] = type;
        return new JsonArray(message).ToJsonString();
    }

    private static string Pairs(int count) =>
        new JsonObject(Enumerable.Range(0, count).Select(i => KeyValuePair.Create($"k{i}", (JsonNode?)"v"))).ToJsonString();
}
