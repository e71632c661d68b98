namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>Once a stream has started without any text, keep-alive comments go out while Coze thinks, and an error can only be told inside it.</summary>
[Collection(nameof(QuietNode))]
public sealed class SlowStartTests(QuietFixture node)
{
    [Theory]
    [InlineData("first_byte=2500ms")]
    [InlineData("think=2500ms")]
    [InlineData("stall_after=2 stall=2500ms")]
    public async Task Comments_are_written_until_text_comes(string directives)
    {
        var ask = node.Ask($"chunks=5 {directives}");
        var reply = await ask.StreamAsync();

        Assert.InRange(reply.Comments, 1, 3);
        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Theory]
    [InlineData("early_error=4011 first_byte=500ms", "insufficient_quota")]
    [InlineData("http=503 first_byte=500ms", "upstream_unavailable")]
    [InlineData("error=4014 first_byte=500ms", "content_filter")]
    [InlineData("failed=4010 think=500ms", "context_length_exceeded")]
    public async Task An_error_comes_in_the_stream(string directives, string errorCode)
    {
        var reply = await node.Ask(directives).StreamAsync();

        Assert.Equal(200, (int)reply.Status);
        ErrorsAfterTextTests.AssertBrokenOff(reply, "", errorCode);
    }

    [Fact]
    public async Task Leaving_before_any_text_reaches_Coze()
    {
        var ask = node.Ask("think=1m");
        await using (var open = await ask.OpenStreamAsync())
        {
            await open.NextAsync(Ask.Patience);
            await ask.WaitForChatAsync(_ => true);
        }

        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }
}
