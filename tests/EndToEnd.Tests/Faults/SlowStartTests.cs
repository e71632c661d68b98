namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>A stream that has started without text contains keep-alive comments until text arrives. An error is sent in the stream.</summary>
[Collection(nameof(ExclusiveNode))]
public sealed class SlowStartTests(ExclusiveNodeFixture node)
{
    [Theory]
    [InlineData("first_byte=2500ms")]
    [InlineData("think=2500ms")]
    [InlineData("stall_after=2 stall=2500ms")]
    public async Task Comments_are_written_until_text_arrives(string directives)
    {
        var request = node.NewRequest($"chunks=5 {directives}");
        var reply = await request.StreamAsync();

        Assert.InRange(reply.Comments, 1, 3);
        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Theory]
    [InlineData("early_error=4011 first_byte=500ms", "insufficient_quota")]
    [InlineData("http=503 first_byte=500ms", "upstream_unavailable")]
    [InlineData("error=4014 first_byte=500ms", "content_filter")]
    [InlineData("failed=4010 think=500ms", "context_length_exceeded")]
    public async Task An_error_is_sent_in_the_stream(string directives, string errorCode)
    {
        var reply = await node.NewRequest(directives).StreamAsync();

        Assert.Equal(200, (int)reply.Status);
        ErrorsAfterTextTests.AssertFailedInStream(reply, "", errorCode);
    }

    [Fact]
    public async Task A_client_that_leaves_before_any_text_cancels_the_chat()
    {
        var request = node.NewRequest("think=1m");
        await using (var open = await request.OpenStreamAsync())
        {
            await open.ReadNextAsync(TestTimeout.Token);
            await request.WaitForChatAsync(_ => true);
        }

        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }
}
