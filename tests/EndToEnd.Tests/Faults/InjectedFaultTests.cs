using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>Calls to Coze other than the chat itself fail: polling, cancelling, uploads, tokens.</summary>
[Collection(nameof(ExclusiveNode))]
public sealed class InjectedFaultTests(ExclusiveNodeFixture node)
{
    [Theory]
    [InlineData("/v3/chat/retrieve", 503, null)]
    [InlineData("/v3/chat/retrieve", null, 5000)]
    [InlineData("/v3/chat/retrieve", 429, 4020)]
    [InlineData("/v3/chat/message/list", 502, null)]
    [InlineData("/v3/chat/message/list", null, 5000)]
    public async Task A_reply_is_resumed_when_polling_fails_at_first(string path, int? http, int? error)
    {
        await node.AddFaultAsync(path, http, error, times: 2);
        var request = node.NewRequest("text=unicode chunks=20 disconnect_after=5 seed=41");
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task A_reply_that_Coze_no_longer_knows_ends_in_an_error()
    {
        await node.AddFaultAsync("/v3/chat/retrieve", error: 4001);
        var reply = await node.NewRequest("say=abcdefgh chunk=2 disconnect_after=2").StreamAsync();

        ErrorsAfterTextTests.AssertFailedInStream(reply, "abcd", "upstream_outcome_unknown");
    }

    [Fact]
    public async Task The_turn_ends_and_the_connection_is_closed_when_Coze_refuses_to_cancel()
    {
        await node.AddFaultAsync("/v3/chat/cancel", http: 500);
        var request = node.NewRequest("chunks=100000 pace=20ms");
        string turnId;
        await using (var open = await request.OpenStreamAsync())
        {
            await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
            turnId = open.Reply.TurnId;
        }

        await request.WaitForChatAsync(chat => chat.ClientGone);
        await using var follow = await node.Http.FollowAsync(turnId, null);
        Assert.Equal("cancelled", (await follow.ReadAllAsync(TestTimeout.Token)).Error.Text("code"));
    }

    [Theory]
    [InlineData(null, 4303, 400, "invalid_file")]
    [InlineData(null, 4302, 400, "invalid_file")]
    [InlineData(413, null, 400, "upstream_invalid_request")]
    public async Task An_upload_that_Coze_refuses(int? http, int? error, int status, string errorCode)
    {
        await node.AddFaultAsync("/v1/files/upload", http, error);
        var request = node.NewRequest();
        request.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = "data:image/png;base64,iVBORw0KGgo=" } });
        var response = await request.CompleteAsync();

        Assert.Equal((status, errorCode), (response.Status, response.Error.Text("code")));
        Assert.Empty(request.Chats);
    }

    [Fact]
    public async Task A_turn_fails_when_Coze_issues_no_token()
    {
        await node.AddFaultAsync("/api/permission/oauth2/token", http: 500, times: 3);
        var request = node.NewRequest(model: "oauth");
        var refused = await request.CompleteAsync();
        Assert.Equal((502, "upstream_error"), (refused.Status, refused.Error.Text("code")));
        Assert.Empty(request.Chats);
    }

    [Fact]
    public async Task A_slow_start_of_the_chat_is_no_error()
    {
        await node.AddFaultAsync("/v3/chat", delay: "1500ms");
        var request = node.NewRequest("chunks=5");
        var reply = await request.StreamAsync();

        Assert.True(reply.Comments >= 1);
        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
    }
}
