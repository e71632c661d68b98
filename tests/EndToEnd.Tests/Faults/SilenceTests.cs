namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>Coze is slow or silent. Within the bot's timeouts this is no error. After a timeout the turn fails, and the chat is cancelled at Coze.</summary>
public sealed class SilenceTests(NodeFixture node)
{
    private const string FullText = "0123456789abcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData("stall_after=3")]
    [InlineData("stall_after=3 stall=1m")]
    public async Task Silence_after_text_is_an_error_in_the_stream(string directives)
    {
        var request = node.NewRequest($"say={FullText} chunk=4 {directives}", node.NewModelWithShortTimeouts());
        var reply = await request.StreamAsync();

        ErrorsAfterTextTests.AssertFailedInStream(reply, FullText[..12], "upstream_timeout");
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Silence_after_text_without_streaming_is_a_504()
    {
        var request = node.NewRequest($"say={FullText} chunk=4 stall_after=3", node.NewModelWithShortTimeouts());
        var response = await request.CompleteAsync();

        Assert.Equal((504, "upstream_timeout"), (response.Status, response.Error.Text("code")));
        await request.WaitForChatAsync(chat => chat.Canceled);
    }

    [Theory]
    [InlineData("stall_after=0")]
    [InlineData("think=1m")]
    public async Task Silence_before_any_text_is_a_504_and_cancelled_at_Coze(string directives)
    {
        var request = node.NewRequest(directives, node.NewModelWithShortTimeouts());
        var response = await request.StreamErrorAsync();

        Assert.Equal((504, "upstream_timeout"), (response.Status, response.Error.Text("code")));
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Fact]
    public async Task A_missing_response_is_a_504_and_the_connection_is_closed()
    {
        var request = node.NewRequest("first_byte=1m", node.NewModelWithShortTimeouts());
        var response = await request.StreamErrorAsync();

        Assert.Equal((504, "upstream_timeout"), (response.Status, response.Error.Text("code")));
        await request.WaitForChatAsync(chat => chat.ClientGone);
    }

    [Fact]
    public async Task A_reply_that_does_not_end_is_a_timeout()
    {
        var request = node.NewRequest("chunks=100000 pace=50ms", "brief");
        var reply = await request.StreamAsync();

        Assert.NotEmpty(reply.Text);
        ErrorsAfterTextTests.AssertFailedInStream(reply, reply.Text, "upstream_timeout");
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Theory]
    [InlineData("first_byte=300ms chunks=5")]
    [InlineData("think=300ms chunks=5")]
    [InlineData("stall=300ms stall_after=2 chunks=5")]
    public async Task Silence_within_the_timeouts_is_no_error(string directives)
    {
        var request = node.NewRequest(directives);
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }
}
