using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>Models whose first bot fails before its first text, and pools of bots and language models.</summary>
public sealed class FallbackTests(ModelNode models) : IClassFixture<ModelNode>
{
    [Fact]
    public async Task A_chain_ends_in_one_clean_stream()
    {
        var request = models.NewRequest("text=unicode chunks=30 seed=3", ModelNode.Chain);
        var reply = await request.StreamAsync();

        Assert.True(reply.IsDone);
        Assert.Equal(models.CompletionOf(request).Reply, reply.Text);
        var origin = reply.Chunks.Last(chunk => chunk.TryGetProperty("cozecluster", out var extension) && extension.TryGetProperty("origin", out _));
        Assert.Equal("gpt", origin.GetProperty("cozecluster").GetProperty("origin").Text("bot"));
    }

    [Fact]
    public async Task The_first_bot_serves_as_long_as_it_can()
    {
        var request = models.NewRequest("chunks=2", ModelNode.Spare);
        await request.CompleteAsync();
        Assert.Single(request.Chats);
        Assert.Empty(models.CompletionsOf(request));
    }

    [Fact]
    public async Task A_bot_that_fails_after_its_text_ends_the_reply()
    {
        var request = models.NewRequest("chunks=9 failed=5000 failed_after=4", ModelNode.Spare);
        var reply = await request.StreamAsync();
        Assert.NotEmpty(reply.Text);
        Assert.Equal("upstream_error", reply.Error.Text("code"));
        Assert.Empty(models.CompletionsOf(request));
    }

    [Fact]
    public async Task A_request_with_tools_goes_to_the_language_models_of_a_mixed_pool()
    {
        for (var i = 0; i < 3; i++)
        {
            var request = models.NewRequest("requires_action=get_time", ModelNode.Mixed).With(body =>
                body["tools"] = JsonNode.Parse("""[{"type":"function","function":{"name":"get_time"}}]"""));
            var reply = await request.CompleteAsync();
            Assert.Equal("tool_calls", reply.Json.GetProperty("choices")[0].Text("finish_reason"));
            Assert.Empty(request.Chats);
        }
    }

    [Fact]
    public async Task A_bot_alone_ignores_tools_and_says_so()
    {
        var request = models.NewRequest(model: "coze-only").With(body => body["tools"] = new JsonArray(new JsonObject { ["type"] = "function" }));
        var reply = await request.CompleteAsync();
        Assert.Equal((200, "tools"), (reply.Status, reply.Extension.GetProperty("ignored_fields")[0].GetString()));
    }
}
