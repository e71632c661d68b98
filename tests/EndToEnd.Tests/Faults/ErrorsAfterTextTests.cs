namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>What goes wrong after some text is told inside the stream, and never dressed up as an end: no finish reason, no <c>[DONE]</c>.</summary>
public sealed class ErrorsAfterTextTests(NodeFixture node)
{
    private const string Said = "0123456789abcdefghijklmnopqrstuvwxyz";

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
        var ask = node.Ask($"say={Said} chunk=4 error_after=3 {directive}");
        var reply = await ask.StreamAsync();

        AssertBrokenOff(reply, Said[..12], errorCode);
        Assert.Equal(3, ask.Chat.DeltasSent);
    }

    [Theory]
    [InlineData("failed=5000", "upstream_error")]
    [InlineData("failed=4013 failed_form=bare", "upstream_error")]
    [InlineData("failed=4105", "content_filter")]
    [InlineData("failed=4022 failed_form=bare", "insufficient_quota")]
    public async Task A_chat_that_fails(string directive, string errorCode) =>
        AssertBrokenOff(await node.Ask($"say={Said} chunk=4 failed_after=3 {directive}").StreamAsync(), Said[..12], errorCode);

    [Fact]
    public async Task A_chat_that_fails_at_the_very_end_of_its_text() =>
        AssertBrokenOff(await node.Ask($"say={Said} failed=5000 failed_after=99").StreamAsync(), Said, "upstream_error");

    [Fact]
    public async Task A_lost_connection_to_a_chat_that_fails_afterwards()
    {
        var ask = node.Ask($"say={Said} chunk=4 disconnect_after=2 failed=4013 failed_after=5");
        var reply = await ask.StreamAsync();

        // What was made after the cut is in no message list of a chat that failed.
        AssertBrokenOff(reply, Said[..8], "upstream_error");
        Assert.Single(ask.Chats);
    }

    [Fact]
    public async Task The_turn_can_be_read_as_failed()
    {
        var reply = await node.Ask($"say={Said} chunk=4 error=4013 error_after=3").StreamAsync();
        var turn = await node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}");

        Assert.Equal("failed", turn.Json.Text("status"));
        Assert.Equal("upstream_error", turn.Error.Text("code"));
        Assert.Equal(Said[..12], turn.Json.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content"));
    }

    internal static void AssertBrokenOff(StreamedReply reply, string text, string errorCode)
    {
        Assert.Equal(text, reply.Text);
        Assert.Equal(errorCode, reply.Error.Text("code"));
        Assert.NotEmpty(reply.Error.Text("message")!);
        Assert.Equal("error", Assert.Single(reply.Records[^1].Json.EnumerateObject()).Name);
        Assert.Null(reply.FinishReason);
        Assert.False(reply.IsDone);
    }
}
