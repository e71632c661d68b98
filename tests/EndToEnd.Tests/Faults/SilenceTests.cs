namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>A Coze that is slow or falls silent: patience within the bot's time-outs, an honest error beyond them, and the chat cancelled there.</summary>
public sealed class SilenceTests(NodeFixture node)
{
    private const string Said = "0123456789abcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData("stall_after=3")]
    [InlineData("stall_after=3 stall=1m")]
    public async Task Silence_within_the_text_ends_in_an_error_in_the_stream(string directives)
    {
        var ask = node.Ask($"say={Said} chunk=4 {directives}", node.ImpatientModel());
        var reply = await ask.StreamAsync();

        ErrorsAfterTextTests.AssertBrokenOff(reply, Said[..12], "upstream_timeout");
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Silence_within_the_text_without_streaming_is_a_504()
    {
        var ask = node.Ask($"say={Said} chunk=4 stall_after=3", node.ImpatientModel());
        var answer = await ask.CompleteAsync();

        Assert.Equal((504, "upstream_timeout"), (answer.Status, answer.Error.Text("code")));
        await ask.WaitForChatAsync(chat => chat.Canceled);
    }

    [Theory]
    [InlineData("stall_after=0")]
    [InlineData("think=1m")]
    public async Task Silence_before_any_text_is_a_504_and_cancelled_at_Coze(string directives)
    {
        var ask = node.Ask(directives, node.ImpatientModel());
        var answer = await ask.StreamInVainAsync();

        Assert.Equal((504, "upstream_timeout"), (answer.Status, answer.Error.Text("code")));
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Fact]
    public async Task No_answer_at_all_is_a_504_and_the_connection_is_dropped()
    {
        var ask = node.Ask("first_byte=1m", node.ImpatientModel());
        var answer = await ask.StreamInVainAsync();

        Assert.Equal((504, "upstream_timeout"), (answer.Status, answer.Error.Text("code")));
        await ask.WaitForChatAsync(chat => chat.ClientGone);
    }

    [Fact]
    public async Task A_reply_that_never_ends_is_cut_off()
    {
        var ask = node.Ask("chunks=100000 pace=50ms", "brief");
        var reply = await ask.StreamAsync();

        Assert.NotEmpty(reply.Text);
        ErrorsAfterTextTests.AssertBrokenOff(reply, reply.Text, "upstream_timeout");
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Theory]
    [InlineData("first_byte=300ms chunks=5")]
    [InlineData("think=300ms chunks=5")]
    [InlineData("stall=300ms stall_after=2 chunks=5")]
    public async Task Silence_within_the_limits_is_no_error(string directives)
    {
        var ask = node.Ask(directives);
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }
}
