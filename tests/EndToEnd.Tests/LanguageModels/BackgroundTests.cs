using System.Text.Json;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>
/// Background responses of OpenAI: replies that continue when the node is killed or the stream breaks. Each prompt is sent once, and each response is
/// deleted when its turn has ended.
/// </summary>
public sealed class BackgroundTests : IAsyncLifetime
{
    private SandboxNode _node = null!;

    private FakeOpenAi OpenAi => _node.Sandbox.OpenAi;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(static (sandbox, _) => new TestFleet()
        .AddLanguageModel(
            "bot", "openai", new Uri(sandbox.BaseUrl, "openai/v1"), FakeOpenAi.Model, FakeOpenAi.Token, "options: { api: responses, background: \"true\" }")
        .AddModel("bot", "bot").ToString());

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Theory]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=61", 1)]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=62 escape=ascii reasoning=20", 3)]
    public async Task A_streamed_reply_is_exact_across_crashes(string directives, int crashes)
    {
        var request = NewRequest(directives);
        var pieces = new List<StreamedReply>();
        await using (var open = await request.OpenStreamAsync()) pieces.Add(await ReadAndCrashAsync(open, length: 20));
        var (turnId, cursor) = (pieces[0].TurnId, pieces[0].Cursor);
        for (var crash = 2; crash <= crashes; crash++)
        {
            await using var open = await _node.Http.FollowAsync(turnId, cursor);
            // The response may have ended while the node was away.
            pieces.Add(await ReadAndCrashAsync(open, length: 0));
            cursor = pieces[^1].Cursor ?? cursor;
        }
        await using (var open = await _node.Http.FollowAsync(turnId, cursor)) pieces.Add(await open.ReadAllAsync(TestTimeout.Token));

        var completion = Assert.Single(OpenAi.Completions);
        Assert.Equal(completion.Reply, string.Concat(pieces.Select(piece => piece.Text)));
        Assert.Equal(directives.Contains("reasoning", StringComparison.Ordinal), pieces.Exists(piece => piece.Reasoning.Length > 0));
        Assert.True(pieces[^1].IsDone);
        Assert.Equal("stop", pieces[^1].FinishReason);
        // A node that is killed after it has saved the end, and before it deletes the response, leaves the response to its expiry.
        if (crashes == 1) await OpenAi.WaitForAsync(() => completion.IsDeleted, TestTimeout.Token);
    }

    [Fact]
    public async Task A_reply_that_ended_while_no_node_ran_is_read()
    {
        var request = NewRequest("chunks=40 pace=10ms").WithHeader("x-turn-survive", "true");
        StreamedReply first;
        await using (var open = await request.OpenStreamAsync())
        {
            await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
            first = open.Reply;
        }
        await _node.CrashAsync(meanwhile: () => OpenAi.WaitForAsync(() => Assert.Single(OpenAi.Completions).Reply is not null, TestTimeout.Token));

        await using var rest = await _node.Http.FollowAsync(first.TurnId, first.Cursor);
        Assert.Equal(Assert.Single(OpenAi.Completions).Reply, first.Text + (await rest.ReadAllAsync(TestTimeout.Token)).Text);
    }

    [Theory]
    [InlineData("disconnect_after=0 chunks=10")]
    [InlineData("disconnect_after=5 chunks=10 reasoning=3")]
    [InlineData("disconnect_after=10 chunks=10")]
    [InlineData("disconnect_after=7 text=unicode chunk=1 chunks=60 seed=3")]
    [InlineData("disconnect_after=3 chunks=20 pace=50ms")]
    public async Task A_reply_whose_stream_breaks_is_whole(string directives)
    {
        var reply = await NewRequest(directives).StreamAsync();

        Assert.Equal(Assert.Single(OpenAi.Completions).Reply, reply.Text);
        Assert.Equal(("stop", true), (reply.FinishReason, reply.IsDone));
        Assert.True(reply.Usage.GetProperty("total_tokens").GetInt64() > 0);
        Assert.DoesNotContain(reply.Records, record => record.Extension.Get("rewritten").ValueKind == JsonValueKind.Object);
    }

    [Fact]
    public async Task A_reply_whose_streams_break_again_and_again_is_whole()
    {
        await using var open = await NewRequest("text=unicode chunks=60 chunk=3 pace=20ms seed=5").OpenStreamAsync();
        for (var i = 1; i <= 4; i++)
        {
            await open.ReadUntilAsync(reply => reply.Text.Length > 20 * i, TestTimeout.Token);
            OpenAi.BreakStreams();
        }
        var whole = await open.ReadAllAsync(TestTimeout.Token);
        Assert.Equal(Assert.Single(OpenAi.Completions).Reply, whole.Text);
    }

    [Fact]
    public async Task A_response_that_was_lost_ends_with_an_unknown_outcome()
    {
        await using var open = await NewRequest("chunks=400 pace=20ms").OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        OpenAi.ForgetResponses();
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal("upstream_outcome_unknown", reply.Error.Text("code"));
        Assert.False(reply.IsDone);
        Assert.Single(OpenAi.Completions);
    }

    [Fact]
    public async Task A_prompt_that_may_have_been_sent_is_not_sent_again()
    {
        var request = NewRequest("first_byte=1m").WithHeader("Idempotency-Key", "once");
        var lost = request.AsStream().SendAsync();
        await OpenAi.WaitForAsync(() => OpenAi.Completions.Count == 1, TestTimeout.Token);
        await _node.CrashAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => lost);

        var response = await request.To(_node.Http).StreamErrorAsync();
        Assert.Equal((502, "upstream_outcome_unknown"), (response.Status, response.Error.Text("code")));
        Assert.Single(OpenAi.Completions);
    }

    [Fact]
    public async Task An_abort_cancels_the_response()
    {
        await using (var open = await NewRequest("chunks=2000 chunk=2 pace=20ms").OpenStreamAsync())
            await open.ReadUntilAsync(reply => reply.Text.Length > 4, TestTimeout.Token);
        var completion = Assert.Single(OpenAi.Completions);
        await OpenAi.WaitForAsync(() => completion is { IsCancelled: true, IsDeleted: true }, TestTimeout.Token);
        Assert.InRange(completion.DeltasSent, 1, 1999);
    }

    private ChatRequest NewRequest(string directives) => new(_node.Http, null, "bot", directives);

    private async Task<StreamedReply> ReadAndCrashAsync(OpenReply open, int length)
    {
        await open.ReadUntilAsync(reply => reply.Text.Length + reply.Reasoning.Length > length || length == 0, TestTimeout.Token);
        await _node.CrashAsync();
        try
        {
            // Bytes that the node had sent before the crash may still arrive.
            await open.ReadAllAsync(TestTimeout.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
        }
        return open.Reply;
    }
}
