using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>A chain across three upstreams: the client sees only the reply of the last one.</summary>
public sealed class ChainTests
{
    [Theory]
    [InlineData("early_error=529")]
    [InlineData("error=overloaded_error")]
    [InlineData("cut_after=0")]
    [InlineData("disconnect_after=0")]
    public async Task Two_bots_fail_before_their_text_and_the_client_sees_one_clean_stream(string failure)
    {
        // A node for each failure: the bots that failed rest for seconds.
        await using var node = await ChainNode.StartAsync();
        node.Claude.Script(failure);
        var request = node.NewRequest();
        var reply = await request.StreamAsync();

        var completion = Assert.Single(node.OpenAi.Completions);
        Assert.True(reply.IsDone);
        Assert.Equal(completion.Reply, reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.Empty(reply.Reasoning);
        Assert.Equal(JsonValueKind.Undefined, reply.Error.ValueKind);
        Assert.Single(reply.Chunks.Select(chunk => chunk.Text("id")).Distinct());
        Assert.Single(reply.Chunks, chunk => chunk.GetProperty("choices").EnumerateArray().Any(choice => choice.Get("delta").Text("role") is not null));
        // One reply is counted, that of the last attempt.
        Assert.True(reply.Usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32() > 0);

        Assert.Empty(request.Chats);
        Assert.Equal(failure.StartsWith("early", StringComparison.Ordinal) ? 0 : 1, node.Claude.Messages.Count);
        Assert.Contains($"Turn {reply.TurnId}: attempt 1 on bot draft", node.Node.Output, StringComparison.Ordinal);
        Assert.Contains($"Turn {reply.TurnId}: attempt 2 on bot claude", node.Node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain($"Turn {reply.TurnId}: attempt 3", node.Node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_bots_fail_and_the_client_sees_the_last_error()
    {
        await using var node = await ChainNode.StartAsync();
        node.Claude.Script("early_error=529");
        node.OpenAi.Script("early_error=422");
        var reply = await node.NewRequest().StreamErrorAsync();

        Assert.Equal((400, "content_filter"), (reply.Status, reply.Error.Text("code")));
    }
}
