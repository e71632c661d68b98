using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChatCancelTests
{
    [Fact]
    public async Task Cancel_WhileStreaming_ChangesTheStatusAndTheStreamContinues()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });
        await using var stream = await client.OpenAsync("[[pace=1s chunks=10]]");
        var chat = await ReadOneDeltaAsync(client, time, stream);

        var canceled = await CancelAsync(client, chat);
        time.Advance(TimeSpan.FromSeconds(10));
        var last = await stream.ReadUntilAsync(CozeEvents.Completed);

        Assert.Equal("canceled", (string?)canceled["data"]!["status"]);
        Assert.Equal("canceled", last["status"]);
        Assert.Equal(10, chat.DeltasSent);
        Assert.Equal(9, chat.DeltasAfterCancel);
    }

    [Fact]
    public async Task Cancel_ThenDisconnect_StopsProduction()
    {
        await using var client = await CozeClient.StartAsync();
        await using (var stream = await client.OpenAsync("[[chunks=10 stall_after=2]]"))
        {
            await stream.ReadUntilAsync(CozeEvents.Delta);
            await CancelAsync(client, client.Coze.Chats.Single());
            Assert.False(client.Coze.Chats.Single().Ended);
        }

        var chat = await client.Coze.WaitForChatAsync(c => c.Ended, client.TimeoutToken);

        Assert.True(chat.ClientGone);
        Assert.True(chat.Canceled);
        Assert.Empty(chat.Answers);
    }

    [Fact]
    public async Task Disconnect_WithoutCancel_TheChatCompletes()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });
        await using (var stream = await client.OpenAsync("[[pace=1s chunks=10]]"))
            await ReadOneDeltaAsync(client, time, stream);
        var chat = await client.Coze.WaitForChatAsync(c => c.ClientGone, client.TimeoutToken);
        Assert.Equal(CozeChatStatus.InProgress, chat.Status);

        time.Advance(TimeSpan.FromSeconds(10));
        await client.Coze.WaitForAsync(() => chat.Ended, client.TimeoutToken);

        Assert.Equal(CozeChatStatus.Completed, chat.Status);
        Assert.Equal(1, chat.DeltasSent);
        Assert.Equal(chat.Answers.Single(), (string?)(await client.MessagesAsync(chat)).Single(m => (string?)m!["type"] == "answer")!["content"]);
    }

    [Fact]
    public async Task Cancel_ChatWithoutStream_StopsItAtOnce()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StartChatAsync("[[stall_after=2]]");
        var chat = await client.Coze.WaitForChatAsync(c => c.DeltasProduced == 2, client.TimeoutToken);

        await CancelAsync(client, chat);
        await client.Coze.WaitForAsync(() => chat.Ended, client.TimeoutToken);

        Assert.Equal("canceled", (string?)(await RetrieveAsync(client, chat))["data"]!["status"]);
        Assert.Empty(await client.MessagesAsync(chat));
    }

    [Fact]
    public async Task Cancel_FinishedChat_Is4104()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StreamAsync("Hello");

        Assert.Equal(4104, (int)(await CancelAsync(client, client.Coze.Chats.Single()))["code"]!);
    }

    [Fact]
    public async Task Chat_WhileAnotherRuns_Is4016UntilThatIsCanceled()
    {
        await using var client = await CozeClient.StartAsync();
        var conversation = (string)(await client.PostAsync("v1/conversation/create", new JsonObject()))["data"]!["id"]!;
        await using var stream = await client.OpenAsync("[[stall_after=1]]", $"?conversation_id={conversation}");
        await stream.ReadUntilAsync(CozeEvents.Delta);

        var refused = await client.PostAsync($"v3/chat?conversation_id={conversation}", CozeClient.Body("me too"));
        await CancelAsync(client, client.Coze.Chats.Single());
        var events = await client.StreamAsync("[[say=free]]", $"?conversation_id={conversation}");

        Assert.Equal(4016, (int)refused["code"]!);
        Assert.Equal("free", events.Text());
    }

    [Fact]
    public async Task Cancel_ChatOfAnotherAccount_IsNotFound()
    {
        await using var client = await CozeClient.StartAsync();
        await using var stream = await client.OpenAsync("[[stall_after=1]]");
        await stream.ReadUntilAsync(CozeEvents.Delta);
        client.Token = "pat_sandbox_2";

        Assert.Equal(4001, (int)(await CancelAsync(client, client.Coze.Chats.Single()))["code"]!);
        Assert.Equal(CozeChatStatus.InProgress, client.Coze.Chats.Single().Status);
    }

    private static Task<JsonNode> CancelAsync(CozeClient client, CozeChat chat) =>
        client.PostAsync("v3/chat/cancel", new JsonObject { ["chat_id"] = chat.Id, ["conversation_id"] = chat.ConversationId });

    private static Task<JsonNode> RetrieveAsync(CozeClient client, CozeChat chat) =>
        client.GetAsync($"v3/chat/retrieve?conversation_id={chat.ConversationId}&chat_id={chat.Id}");

    private static async Task<CozeChat> ReadOneDeltaAsync(CozeClient client, ManualTime time, OpenStream stream)
    {
        await stream.ReadUntilAsync(CozeEvents.InProgress);
        time.Advance(TimeSpan.FromSeconds(1));
        return await client.Coze.WaitForChatAsync(c => c.DeltasSent == 1, client.TimeoutToken);
    }
}
