namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>The connection to Coze breaks while a chat runs there: the reply comes whole all the same, and is asked for only once.</summary>
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
    public async Task The_text_is_whole(string directives)
    {
        var ask = node.Ask(directives);
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.True(reply.IsDone);
        Assert.True(reply.Usage.GetProperty("total_tokens").GetInt64() > 0);
        Assert.Equal(3, reply.Extension.GetProperty("follow_ups").GetArrayLength());
    }

    [Fact]
    public async Task All_answers_are_whole()
    {
        var ask = node.Ask("answers=3 chunks=5 disconnect_after=7");
        var reply = await ask.StreamAsync();

        Assert.Equal(string.Join("\n\n", ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task Reasoning_and_text_are_whole()
    {
        var whole = await node.Ask("reasoning=6 chunks=10 seed=8").StreamAsync();
        var reply = await node.Ask("reasoning=6 chunks=10 seed=8 disconnect_after=4").StreamAsync();

        Assert.NotEmpty(whole.Reasoning);
        Assert.Equal((whole.Reasoning, whole.Text), (reply.Reasoning, reply.Text));
    }

    [Fact]
    public async Task Without_streaming_the_client_notices_nothing()
    {
        var ask = node.Ask("disconnect_after=5 chunks=10");
        var answer = await ask.CompleteAsync();

        Assert.Equal(200, answer.Status);
        Assert.Equal(Assert.Single(ask.Chat.Answers), answer.Text);
    }

    [Fact]
    public async Task A_text_that_was_rewritten_meanwhile_is_told_as_rewritten()
    {
        var ask = node.Ask("chunks=10 disconnect_after=5 rewrite");
        var reply = await ask.StreamAsync();

        Assert.StartsWith("Rewritten: ", reply.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task A_bot_that_cannot_be_reached_is_passed_over()
    {
        for (var i = 0; i < 4; i++)
        {
            var ask = node.Ask("chunks=3", "half-down");
            var reply = await ask.StreamAsync();

            Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
            Assert.Equal("up", reply.Extension.GetProperty("origin").Text("bot"));
        }
    }
}
