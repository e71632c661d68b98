using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>
/// The node is killed with SIGKILL and started again on the same data. Replies continue at the cursors of their clients, and each prompt is sent to Coze once.
/// </summary>
public sealed class CrashTests : IAsyncLifetime
{
    private SandboxNode _node = null!;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartWithOneModelAsync();

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Theory]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=51", 1)]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=52 escape=ascii", 3)]
    [InlineData("answers=2 reasoning=20 chunks=40 pace=25ms seed=53 tool=weather", 2)]
    public async Task A_streamed_reply_is_exact_across_crashes(string directives, int crashes)
    {
        var request = _node.NewRequest(directives);
        var pieces = new List<StreamedReply>();
        await using (var open = await request.OpenStreamAsync()) pieces.Add(await ReadAndCrashAsync(open, records: 12));
        var (turnId, cursor) = (pieces[0].TurnId, pieces[0].Cursor);
        for (var crash = 2; crash <= crashes; crash++)
        {
            await using var open = await _node.Http.FollowAsync(turnId, cursor);
            // The node cannot read the reply while Coze produces it, so there may be no record before the crash.
            pieces.Add(await ReadAndCrashAsync(open, records: 0));
            cursor = pieces[^1].Cursor ?? cursor;
        }
        await using (var open = await _node.Http.FollowAsync(turnId, cursor)) pieces.Add(await open.ReadAllAsync(TestTimeout.Token));

        var chat = await request.WaitForChatAsync(chat => chat.Ended);
        var records = pieces.SelectMany(piece => piece.Records).ToList();
        Assert.Equal(string.Join("\n\n", chat.Answers), string.Concat(records.Select(record => record.Text)));
        Assert.Single(request.Chats);
        Assert.True(pieces[^1].IsDone);
        Assert.DoesNotContain(records, record => record.Json.Get("error").ValueKind == JsonValueKind.Object);
        Assert.Equal(pieces[0].Chunks.First().Text("id"), pieces[^1].Chunks.First().Text("id"));
    }

    [Fact]
    public async Task A_prompt_that_may_have_been_sent_is_not_sent_again()
    {
        var request = _node.NewRequest("first_byte=1m").WithHeader("Idempotency-Key", "once");
        var lost = request.AsStream().SendAsync();
        await request.WaitForChatAsync(_ => true);
        await _node.CrashAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => lost);

        var response = await request.To(_node.Http).StreamErrorAsync();
        Assert.Equal((502, "upstream_outcome_unknown"), (response.Status, response.Error.Text("code")));
        Assert.Single(request.Chats);
    }

    [Fact]
    public async Task A_finished_reply_and_its_conversation_are_kept()
    {
        var first = _node.NewRequest("text=unicode chunks=10 seed=54").InConversation("kept");
        var reply = await first.StreamAsync();
        await _node.CrashAsync();

        Assert.Equal(reply.Text, (await _node.Http.GetTurnAsync(reply.TurnId)).Text);
        var second = _node.NewRequest("chunks=2").InConversation("kept");
        await second.StreamAsync();
        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task A_tool_result_is_accepted_after_a_crash()
    {
        var request = _node.NewRequest("requires_action=find_user");
        var first = await request.CompleteAsync();
        var call = first.Message.GetProperty("tool_calls")[0].Text("id");
        await _node.CrashAsync();

        var messages = request.Body["messages"]!.AsArray();
        messages.Add(JsonNode.Parse(first.Message.ToString()));
        messages.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = call, ["content"] = "it is Ada" });
        var reply = await request.To(_node.Http).StreamAsync();

        Assert.Contains("it is Ada", reply.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
    }

    [Fact]
    public async Task A_turn_that_waited_for_another_turn_runs_after_the_crash()
    {
        var first = _node.NewRequest("chunks=40 pace=25ms").InConversation("queue").WithHeader("x-turn-survive", "true");
        var second = _node.NewRequest("chunks=3").InConversation("queue")
            .WithHeader("x-turn-survive", "true").WithHeader("Idempotency-Key", "second");
        await using var open = await first.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var waiting = second.AsStream().SendAsync();
        // The turn waits when the conversation contains it.
        while ((await _node.Http.GetTurnsAsync("queue")).Count < 2)
        {
        }
        await _node.CrashAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => waiting);

        var reply = await second.To(_node.Http).StreamAsync();
        Assert.Equal(Assert.Single(second.Chat.Answers), reply.Text);
        Assert.Single(first.Chats);
        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
    }

    [Fact]
    public async Task A_node_that_stops_waits_for_running_replies()
    {
        var request = _node.NewRequest("chunks=60 pace=20ms");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var stopping = _node.Node.StopAsync(TestTimeout.Token);
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
        Assert.Equal(0, await stopping);
    }

    private async Task<StreamedReply> ReadAndCrashAsync(OpenReply open, int records)
    {
        await open.ReadUntilAsync(reply => reply.Records.Count >= records, TestTimeout.Token);
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
