using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Crashes;

/// <summary>The node dies by <c>kill -9</c> and is started again on the same data: replies go on where their clients stood, and Coze is asked once.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private readonly CrashingNode _node = new();

    public ValueTask InitializeAsync() => _node.StartAsync();

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Theory]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=51", 1)]
    [InlineData("text=unicode chunks=80 chunk=3 pace=25ms seed=52 escape=ascii", 3)]
    [InlineData("answers=2 reasoning=20 chunks=40 pace=25ms seed=53 tool=weather", 2)]
    public async Task A_streamed_reply_is_exact_across_crashes(string directives, int crashes)
    {
        var ask = _node.Ask(directives);
        var pieces = new List<StreamedReply>();
        await using (var open = await ask.OpenStreamAsync()) pieces.Add(await ReadAndCrashAsync(open, records: 12));
        var (turnId, cursor) = (pieces[0].TurnId, pieces[0].Cursor);
        for (var crash = 2; crash <= crashes; crash++)
        {
            await using var open = await _node.Http.FollowAsync(turnId, cursor);
            // While Coze still speaks nothing of it can be read, so a crash may come before any record.
            pieces.Add(await ReadAndCrashAsync(open, records: 0));
            cursor = pieces[^1].Cursor ?? cursor;
        }
        await using (var open = await _node.Http.FollowAsync(turnId, cursor)) pieces.Add(await open.ReadAllAsync(Ask.Patience));

        var chat = await ask.WaitForChatAsync(chat => chat.Ended);
        var told = pieces.SelectMany(piece => piece.Records).ToList();
        Assert.Equal(string.Join("\n\n", chat.Answers), string.Concat(told.Select(record => record.Text)));
        Assert.Single(ask.Chats);
        Assert.True(pieces[^1].IsDone);
        Assert.DoesNotContain(told, record => record.Json.Get("error").ValueKind == System.Text.Json.JsonValueKind.Object);
        Assert.Equal(pieces[0].Chunks.First().Text("id"), pieces[^1].Chunks.First().Text("id"));
    }

    [Fact]
    public async Task A_turn_of_which_it_is_not_known_whether_it_was_sent_is_not_sent_again()
    {
        var ask = _node.Ask("first_byte=1m").WithHeader("Idempotency-Key", "once");
        var lost = ask.AsStream().SendAsync();
        await ask.WaitForChatAsync(_ => true);
        await _node.CrashAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => lost);

        var again = _node.Again(ask);
        var answer = await again.StreamInVainAsync();
        Assert.Equal((502, "upstream_outcome_unknown"), (answer.Status, answer.Error.Text("code")));
        Assert.Single(ask.Chats);
    }

    [Fact]
    public async Task A_finished_reply_and_its_conversation_are_still_there()
    {
        var first = _node.Ask("text=unicode chunks=10 seed=54").With(body => body["conversation_id"] = "kept");
        var reply = await first.StreamAsync();
        await _node.CrashAsync();

        var turn = await _node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}");
        Assert.Equal(reply.Text, turn.Json.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content"));
        var second = _node.Ask("chunks=2").With(body => body["conversation_id"] = "kept");
        await second.StreamAsync();
        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task A_tool_result_is_taken_by_the_next_node()
    {
        var ask = _node.Ask("requires_action=find_user");
        var first = await ask.CompleteAsync();
        var call = first.Message.GetProperty("tool_calls")[0].Text("id");
        await _node.CrashAsync();

        var messages = ask.Body["messages"]!.AsArray();
        messages.Add(JsonNode.Parse(first.Message.ToString()));
        messages.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = call, ["content"] = "it is Ada" });
        var reply = await _node.Again(ask).StreamAsync();

        Assert.Contains("it is Ada", reply.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
    }

    [Fact]
    public async Task A_turn_that_waited_behind_another_one_runs_after_the_crash()
    {
        var first = _node.Ask("chunks=40 pace=25ms").With(body => body["conversation_id"] = "queue").WithHeader("x-turn-survive", "true");
        var second = _node.Ask("chunks=3").With(body => body["conversation_id"] = "queue").WithHeader("x-turn-survive", "true").WithHeader("Idempotency-Key", "second");
        await using var open = await first.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var waiting = second.AsStream().SendAsync();
        // It is waiting once the conversation shows it.
        while ((await _node.Http.AnswerAsync(HttpMethod.Get, "/cozecluster/v1/conversations/queue")).Json.GetProperty("data").GetArrayLength() < 2)
        {
        }
        await _node.CrashAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => waiting);

        var reply = await _node.Again(second).StreamAsync();
        Assert.Equal(Assert.Single(second.Chat.Answers), reply.Text);
        Assert.Single(first.Chats);
        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
    }

    [Fact]
    public async Task Asked_to_stop_it_lets_running_replies_end_and_takes_no_new_ones()
    {
        var ask = _node.Ask("chunks=60 pace=20ms");
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var stopping = _node.StopAsync();
        var reply = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
        Assert.Equal(0, await stopping);
    }

    private async Task<StreamedReply> ReadAndCrashAsync(OpenReply open, int records)
    {
        await open.UntilAsync(reply => reply.Records.Count >= records, Ask.Patience);
        await _node.CrashAsync();
        try
        {
            // What had left the node before it died may still arrive.
            await open.ReadAllAsync(Ask.Patience);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
        }
        return open.Reply;
    }
}
