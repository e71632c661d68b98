namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>Differences in how servers write Coze's protocol do not affect clients.</summary>
public sealed class WireFormTests(NodeFixture node)
{
    public static TheoryData<string> Forms =>
    [
        "colon=tight", "colon=space", "newline=lf", "newline=crlf", "torn", "escape=utf8", "escape=ascii",
        "done=quoted", "done=bare", "done=debug", "done=none", "last_error=zero", "last_error=null", "usage_names=count", "usage_names=tokens",
        "torn newline=crlf colon=space escape=ascii done=none last_error=null usage_names=tokens",
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task The_reply_is_the_same(string form)
    {
        var request = node.NewRequest($"text=unicode chunks=80 chunk=3 seed=11 usage=21/34 {form}");
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.True(reply.IsDone);
        Assert.Equal((21, 34, 55), reply.Usage.ReadUsage());
    }

    [Theory]
    [InlineData(1, "utf8")]
    [InlineData(1, "ascii")]
    [InlineData(2, "utf8")]
    [InlineData(5, "ascii")]
    [InlineData(4000, "utf8")]
    public async Task Text_is_exact_whatever_the_size_of_deltas(int chunk, string escape)
    {
        var request = node.NewRequest($"text=unicode chunk={chunk} chunks=40 seed={chunk} escape={escape} torn");
        var streamed = await request.StreamAsync();
        var whole = await node.NewRequest($"text=unicode chunk={chunk} chunks=40 seed={chunk} escape={escape} torn").CompleteAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), streamed.Text);
        Assert.Equal(streamed.Text, whole.Text);
    }

    [Theory]
    [InlineData("torn")]
    [InlineData("newline=crlf")]
    [InlineData("done=none")]
    [InlineData("last_error=null")]
    public async Task An_error_is_recognized_in_every_form(string form)
    {
        var reply = await node.NewRequest($"say=abcdefgh chunk=2 failed=4013 failed_after=2 {form}").StreamAsync();

        ErrorsAfterTextTests.AssertFailedInStream(reply, "abcd", "upstream_error");
    }
}
