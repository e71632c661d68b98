using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>Faults in calls around a chat: looking for it again, cancelling it, uploads, tokens.</summary>
[Collection(nameof(QuietNode))]
public sealed class InjectedFaultTests(QuietFixture node)
{
    [Theory]
    [InlineData("/v3/chat/retrieve", 503, null)]
    [InlineData("/v3/chat/retrieve", null, 5000)]
    [InlineData("/v3/chat/retrieve", 429, 4020)]
    [InlineData("/v3/chat/message/list", 502, null)]
    [InlineData("/v3/chat/message/list", null, 5000)]
    public async Task A_reply_is_found_again_though_asking_fails_at_first(string path, int? http, int? error)
    {
        await node.FaultAsync(path, http, error, times: 2);
        var ask = node.Ask("text=unicode chunks=20 disconnect_after=5 seed=41");
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task A_reply_that_Coze_no_longer_knows_ends_in_an_error()
    {
        await node.FaultAsync("/v3/chat/retrieve", error: 4001);
        var reply = await node.Ask("say=abcdefgh chunk=2 disconnect_after=2").StreamAsync();

        ErrorsAfterTextTests.AssertBrokenOff(reply, "abcd", "upstream_not_found");
    }

    [Fact]
    public async Task A_cancel_that_Coze_refuses_still_ends_the_turn_and_drops_the_connection()
    {
        await node.FaultAsync("/v3/chat/cancel", http: 500);
        var ask = node.Ask("chunks=100000 pace=20ms");
        string turnId;
        await using (var open = await ask.OpenStreamAsync())
        {
            await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
            turnId = open.Reply.TurnId;
        }

        await ask.WaitForChatAsync(chat => chat.ClientGone);
        await using var follow = await node.Http.FollowAsync(turnId, null);
        Assert.Equal("cancelled", (await follow.ReadAllAsync(Ask.Patience)).Error.Text("code"));
    }

    [Theory]
    [InlineData(null, 4303, 400, "invalid_file")]
    [InlineData(null, 4302, 400, "invalid_file")]
    [InlineData(413, null, 400, "upstream_invalid_request")]
    public async Task An_upload_that_Coze_refuses(int? http, int? error, int status, string errorCode)
    {
        await node.FaultAsync("/v1/files/upload", http, error);
        var ask = node.Ask();
        ask.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = ask.Prompt },
            new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = "data:image/png;base64,iVBORw0KGgo=" } });
        var answer = await ask.CompleteAsync();

        Assert.Equal((status, errorCode), (answer.Status, answer.Error.Text("code")));
        Assert.Empty(ask.Chats);
    }

    [Fact]
    public async Task A_token_that_Coze_does_not_give_is_asked_for_again_with_the_next_turn()
    {
        await node.FaultAsync("/api/permission/oauth2/token", http: 500, times: 3);
        var ask = node.Ask(model: "oauth");
        var refused = await ask.CompleteAsync();
        Assert.Equal((502, "upstream_error"), (refused.Status, refused.Error.Text("code")));
        Assert.Empty(ask.Chats);
    }

    [Fact]
    public async Task A_slow_acceptance_is_waited_for()
    {
        await node.FaultAsync("/v3/chat", delay: "1500ms");
        var ask = node.Ask("chunks=5");
        var reply = await ask.StreamAsync();

        Assert.True(reply.Comments >= 1);
        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
    }
}
