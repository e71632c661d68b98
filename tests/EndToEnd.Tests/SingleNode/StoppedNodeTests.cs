namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>A single node is stopped while a turn runs that cannot be resumed.</summary>
public sealed class StoppedNodeTests
{
    [Theory]
    [InlineData("60s", null)]
    [InlineData("1s", "shutting_down")]
    public async Task The_turn_completes_within_the_drain_time_or_ends_with_an_error_in_the_stream(string drainTime, string? error)
    {
        await using var node = await SandboxNode.StartWithOneModelAsync("--durable-turns", "false", "--drain-time", drainTime);
        var request = node.NewRequest(error is null ? "chunks=60 pace=25ms" : "chunks=4000 pace=25ms");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);

        var stopping = node.Node.StopAsync(TestTimeout.Token);
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal(0, await stopping);
        if (error is null) Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        else Assert.Equal((error, null), (reply.Error.Text("code"), reply.FinishReason));
        await request.WaitForChatAsync(chat => chat.Ended);
    }
}
