using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChatPollTests
{
    [Fact]
    public async Task Chat_WithoutStream_RespondsAtOnceAndCompletesLater()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });

        var started = await client.StartChatAsync("[[pace=1s chunks=3]]");
        var chat = client.Coze.Chats.Single();
        var during = await RetrieveAsync(client, HttpMethod.Get, chat);
        time.Advance(TimeSpan.FromSeconds(3));
        await client.Coze.WaitForAsync(() => chat.Ended, client.TimeoutToken);
        var after = await RetrieveAsync(client, HttpMethod.Get, chat);

        Assert.Equal("in_progress", (string?)started["status"]);
        Assert.Equal("in_progress", (string?)during["status"]);
        Assert.Null(during["usage"]);
        Assert.Equal("completed", (string?)after["status"]);
        Assert.True((long?)after["completed_at"] > 0);
        Assert.True((int)after["usage"]!["token_count"]! > 0);
    }

    [Fact]
    public async Task MessageList_WhileTheChatRuns_ContainsNoAnswer()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StartChatAsync("[[answers=2 chunks=4 stall_after=6 tool=weather]]");
        var chat = await client.Coze.WaitForChatAsync(c => c.DeltasProduced == 6, client.TimeoutToken);
        Assert.Single(chat.Answers);

        var messages = await client.MessagesAsync(chat);

        Assert.Equal(["function_call", "tool_response"], messages.Select(m => (string?)m!["type"]));
    }

    [Fact]
    public async Task MessageList_AfterCompletion_ContainsTheFullTextAndNoQuestion()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StartChatAsync("[[chunks=50 text=unicode]]");
        var chat = await client.Coze.WaitForChatAsync(c => c.Ended, client.TimeoutToken);

        var messages = await client.MessagesAsync(chat);

        Assert.Equal(["answer", "verbose", "follow_up", "follow_up", "follow_up"], messages.Select(m => (string?)m!["type"]));
        Assert.Equal(chat.Answers.Single(), (string?)messages[0]!["content"]);
        Assert.All(messages, m => Assert.Equal(chat.Id, (string?)m!["chat_id"]));
    }

    [Fact]
    public async Task Retrieve_ByPost_ReturnsTheSameAsByGet()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StreamAsync("Hello");
        var chat = client.Coze.Chats.Single();

        var byGet = await RetrieveAsync(client, HttpMethod.Get, chat);
        var byPost = await RetrieveAsync(client, HttpMethod.Post, chat);

        Assert.Equal(byGet.ToJsonString(), byPost.ToJsonString());
    }

    [Theory]
    [InlineData("v3/chat/retrieve?conversation_id=1&chat_id=2", 4001)]
    [InlineData("v3/chat/retrieve?chat_id=2", 4000)]
    [InlineData("v3/chat/message/list?conversation_id=1", 4000)]
    public async Task Retrieve_WithMissingOrUnknownIds_IsRefused(string path, int code)
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(code, (int)(await client.GetAsync(path))["code"]!);
    }

    [Fact]
    public async Task Chat_WithoutStreamOrHistory_Is4007()
    {
        await using var client = await CozeClient.StartAsync();
        var body = CozeClient.Body("Hello", stream: false);
        body["auto_save_history"] = false;

        Assert.Equal(4007, (int)(await client.PostAsync("v3/chat", body))["code"]!);
        Assert.Empty(client.Coze.Chats);
    }

    [Fact]
    public async Task Chat_WithoutHistory_SavesNoMessages()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = (string)(await client.PostAsync("v1/conversation/create", new JsonObject()))["data"]!["id"]!;
        var body = CozeClient.Body("[[say=text]]");
        body["auto_save_history"] = false;

        await client.StreamAsync($"v3/chat?conversation_id={conversation}", body);

        Assert.Equal(CozeChatStatus.Completed, client.Coze.Chats.Single().Status);
        Assert.Empty(await client.MessagesAsync(client.Coze.Chats.Single()));
        Assert.Empty((await client.PostAsync($"v1/conversation/message/list?conversation_id={conversation}"))["data"]!.AsArray());
    }

    [Fact]
    public async Task Chat_WithHistory_SavesQuestionAndAnswer()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = (string)(await client.PostAsync("v1/conversation/create", new JsonObject()))["data"]!["id"]!;

        await client.StreamAsync("first [[say=one]]", $"?conversation_id={conversation}");
        await client.StreamAsync("second [[say=two]]", $"?conversation_id={conversation}");

        var list = await client.PostAsync($"v1/conversation/message/list?conversation_id={conversation}", new JsonObject { ["order"] = "asc" });
        var messages = list["data"]!.AsArray();
        Assert.Equal(["question", "answer", "question", "answer"], messages.Select(m => (string?)m!["type"]));
        Assert.Equal("two", (string?)messages[3]!["content"]);
    }

    private static async Task<JsonNode> RetrieveAsync(CozeClient client, HttpMethod method, CozeChat chat) =>
        (await client.SendJsonAsync(method, $"v3/chat/retrieve?conversation_id={chat.ConversationId}&chat_id={chat.Id}"))["data"]!;
}
