namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>An error after the first text is sent in the stream. It does not look like a normal end: no finish reason, no <c>[DONE]</c>.</summary>
public sealed class ErrorsAfterTextTests(NodeFixture node)
{
    private const string FullText = "0123456789abcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData("error=4000", "upstream_invalid_request")]
    [InlineData("error=4008", "rate_limit_exceeded")]
    [InlineData("error=4011", "insufficient_quota")]
    [InlineData("error=4013", "upstream_error")]
    [InlineData("error=4014", "content_filter")]
    [InlineData("error=5000", "upstream_error")]
    [InlineData("error=700012006", "upstream_unauthorized")]
    [InlineData("error=987654321", "upstream_error")]
    public async Task An_error_event(string directive, string errorCode)
    {
        var request = node.NewRequest($"say={FullText} chunk=4 error_after=3 {directive}");
        var reply = await request.StreamAsync();

        AssertFailedInStream(reply, FullText[..12], errorCode);
        Assert.Equal(3, request.Chat.DeltasSent);
    }

    [Theory]
    [InlineData("failed=5000", "upstream_error")]
    [InlineData("failed=4013 failed_form=bare", "upstream_error")]
    [InlineData("failed=4105", "content_filter")]
    [InlineData("failed=4022 failed_form=bare", "insufficient_quota")]
    public async Task A_chat_that_fails(string directive, string errorCode) =>
        AssertFailedInStream(await node.NewRequest($"say={FullText} chunk=4 failed_after=3 {directive}").StreamAsync(), FullText[..12], errorCode);

    [Fact]
    public async Task A_chat_that_fails_after_its_whole_text() =>
        AssertFailedInStream(await node.NewRequest($"say={FullText} failed=5000 failed_after=99").StreamAsync(), FullText, "upstream_error");

    [Fact]
    public async Task A_lost_connection_to_a_chat_that_fails_afterwards()
    {
        var request = node.NewRequest($"say={FullText} chunk=4 disconnect_after=2 failed=4013 failed_after=5");
        var reply = await request.StreamAsync();

        // The message list of a failed chat does not contain the text after the lost connection.
        AssertFailedInStream(reply, FullText[..8], "upstream_error");
        Assert.Single(request.Chats);
    }

    [Fact]
    public async Task The_turn_is_returned_as_failed()
    {
        var reply = await node.NewRequest($"say={FullText} chunk=4 error=4013 error_after=3").StreamAsync();
        var (turn, text) = await node.Http.GetTurnAsync(reply.TurnId);

        Assert.Equal("failed", turn.Json.Text("status"));
        Assert.Equal("upstream_error", turn.Error.Text("code"));
        Assert.Equal(FullText[..12], text);
    }

    internal static void AssertFailedInStream(StreamedReply reply, string text, string errorCode)
    {
        Assert.Equal(text, reply.Text);
        Assert.Equal(errorCode, reply.Error.Text("code"));
        Assert.NotEmpty(reply.Error.Text("message")!);
        Assert.Equal("error", Assert.Single(reply.Records[^1].Json.EnumerateObject()).Name);
        Assert.Null(reply.FinishReason);
        Assert.False(reply.IsDone);
    }
}
