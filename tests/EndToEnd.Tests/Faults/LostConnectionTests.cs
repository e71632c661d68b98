namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>The connection to Coze is lost while a chat runs: the reply is complete, and the prompt is sent once.</summary>
public sealed class LostConnectionTests(NodeFixture node)
{
    [Theory]
    [InlineData("disconnect_after=0 chunks=10")]
    [InlineData("disconnect_after=1 chunks=10")]
    [InlineData("disconnect_after=5 chunks=10")]
    [InlineData("disconnect_after=10 chunks=10")]
    [InlineData("disconnect_after=7 text=unicode chunk=1 chunks=60 seed=3")]
    [InlineData("disconnect_after=4 text=unicode chunk=3 chunks=40 seed=4 escape=ascii")]
    [InlineData("disconnect_after=3 chunks=20 pace=50ms")]
    public async Task The_text_is_complete(string directives)
    {
        var request = node.NewRequest(directives);
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.True(reply.IsDone);
        Assert.True(reply.Usage.GetProperty("total_tokens").GetInt64() > 0);
        Assert.Equal(3, reply.Extension.GetProperty("follow_ups").GetArrayLength());
    }

    [Fact]
    public async Task All_answers_are_complete()
    {
        var request = node.NewRequest("answers=3 chunks=5 disconnect_after=7");
        var reply = await request.StreamAsync();

        Assert.Equal(string.Join("\n\n", request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task Reasoning_and_text_are_complete()
    {
        var whole = await node.NewRequest("reasoning=6 chunks=10 seed=8").StreamAsync();
        var reply = await node.NewRequest("reasoning=6 chunks=10 seed=8 disconnect_after=4").StreamAsync();

        Assert.NotEmpty(whole.Reasoning);
        Assert.Equal((whole.Reasoning, whole.Text), (reply.Reasoning, reply.Text));
    }

    [Fact]
    public async Task Without_streaming_the_reply_is_complete()
    {
        var request = node.NewRequest("disconnect_after=5 chunks=10");
        var response = await request.CompleteAsync();

        Assert.Equal(200, response.Status);
        Assert.Equal(Assert.Single(request.Chat.Answers), response.Text);
    }

    [Fact]
    public async Task Text_that_was_rewritten_meanwhile_is_sent_as_rewritten()
    {
        var request = node.NewRequest("chunks=10 disconnect_after=5 rewrite");
        var reply = await request.StreamAsync();

        Assert.StartsWith("Rewritten: ", reply.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task A_bot_that_cannot_be_reached_is_skipped()
    {
        for (var i = 0; i < 4; i++)
        {
            var request = node.NewRequest("chunks=3", "half-down");
            var reply = await request.StreamAsync();

            Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
            Assert.Equal("up", reply.Extension.GetProperty("origin").Text("bot"));
        }
    }
}
