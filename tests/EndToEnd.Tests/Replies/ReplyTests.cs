namespace CozeCluster.EndToEnd.Tests.Replies;

/// <summary>What bots send, and what clients get of it, streamed and whole.</summary>
public sealed class ReplyTests(NodeFixture node)
{
    [Fact]
    public async Task Chunks_come_in_the_order_clients_rely_on()
    {
        var reply = await node.Ask("chunks=5").StreamAsync();
        var chunks = reply.Chunks.ToList();

        Assert.Single(chunks.Select(chunk => chunk.Text("id")).Distinct());
        Assert.StartsWith("chatcmpl-", chunks[0].Text("id"), StringComparison.Ordinal);
        Assert.Single(chunks.Select(chunk => chunk.GetProperty("created").GetInt64()).Distinct());
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").Text("role"));
        Assert.Equal("stop", chunks[^2].GetProperty("choices")[0].Text("finish_reason"));
        Assert.Empty(chunks[^1].GetProperty("choices").EnumerateArray());
        Assert.All(chunks[..^1], chunk => Assert.Equal(System.Text.Json.JsonValueKind.Null, chunk.GetProperty("usage").ValueKind));
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task Without_being_asked_a_stream_tells_no_usage()
    {
        var ask = node.Ask("chunks=5");
        ask.Body["stream_options"] = new System.Text.Json.Nodes.JsonObject();
        var reply = await ask.StreamAsync();

        Assert.DoesNotContain(reply.Chunks, chunk => chunk.TryGetProperty("usage", out _));
        Assert.True(reply.IsDone);
    }

    [Theory]
    [InlineData("usage=3/4", 3, 4)]
    [InlineData("usage=none", 0, 0)]
    [InlineData("usage=5/6 usage_names=tokens", 5, 6)]
    public async Task Usage_is_what_Coze_counted(string directives, int input, int output)
    {
        var streamed = (await node.Ask(directives).StreamAsync()).Usage;
        var whole = (await node.Ask(directives).CompleteAsync()).Json.GetProperty("usage");

        foreach (var usage in new[] { streamed, whole })
        {
            Assert.Equal(
                (input, output, input + output),
                (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()));
        }
    }

    [Fact]
    public async Task Several_answers_stand_apart_by_a_blank_line()
    {
        var ask = node.Ask("answers=3 chunks=4");
        var streamed = await ask.StreamAsync();
        var whole = await node.Ask("answers=3 chunks=4").CompleteAsync();

        Assert.Equal(3, ask.Chat.Answers.Count);
        Assert.Equal(string.Join("\n\n", ask.Chat.Answers), streamed.Text);
        Assert.Equal(streamed.Text, whole.Text);
    }

    [Fact]
    public async Task No_answer_at_all_is_an_empty_one()
    {
        var streamed = await node.Ask("answers=0 followups=1").StreamAsync();
        var whole = await node.Ask("answers=0 followups=1").CompleteAsync();

        Assert.Equal(("", "stop", true), (streamed.Text, streamed.FinishReason, streamed.IsDone));
        Assert.Equal("", whole.Text);
    }

    [Fact]
    public async Task Reasoning_comes_beside_the_text()
    {
        var ask = node.Ask("reasoning=5 chunks=5 text=unicode seed=5");
        var streamed = await ask.StreamAsync();
        var whole = await node.Ask("reasoning=5 chunks=5 text=unicode seed=5").CompleteAsync();

        Assert.NotEmpty(streamed.Reasoning);
        Assert.Equal(Assert.Single(ask.Chat.Answers), streamed.Text);
        Assert.Equal((streamed.Text, streamed.Reasoning), (whole.Text, whole.Message.Text("reasoning_content")));
    }

    [Fact]
    public async Task Follow_ups_and_the_ids_at_Coze_are_in_the_extension_object()
    {
        var ask = node.Ask("followups=2");
        var streamed = await ask.StreamAsync();
        var whole = await node.Ask("followups=2").CompleteAsync();

        Assert.Equal(["Follow-up question 1?", "Follow-up question 2?"], streamed.Extension.GetProperty("follow_ups").Texts());
        Assert.Equal(["Follow-up question 1?", "Follow-up question 2?"], whole.Extension.GetProperty("follow_ups").Texts());
        Assert.Equal(streamed.TurnId, streamed.Extension.Text("turn_id"));
        var ids = streamed.Extension.GetProperty("origin").GetProperty("ids");
        Assert.Equal((ask.Chat.Id, ask.Chat.ConversationId, ask.Chat.BotId), (ids.Text("chat_id"), ids.Text("conversation_id"), ids.Text("bot_id")));
    }

    [Fact]
    public async Task What_the_bot_did_is_told_in_the_extension_object()
    {
        const string Directives = "tool=weather,news knowledge verbose card followups=0 chunks=3";
        var streamed = await node.Ask(Directives).StreamAsync();
        var whole = await node.Ask(Directives).CompleteAsync();
        var told = streamed.Events.Select(told => told.Text("type")).ToList();

        Assert.Equal(["knowledge", "tool_call", "tool_output", "tool_call", "tool_output", "card", "notice"], told);
        Assert.Equal(told, whole.Extension.GetProperty("events").EnumerateArray().Select(item => item.Text("type")));
        Assert.Equal(["weather", "news"], streamed.Events.Where(item => item.Text("type") == "tool_call").Select(item => item.Text("name")));
        Assert.Equal("stop", streamed.FinishReason);
    }

    [Fact]
    public async Task A_picture_in_an_answer_stays_Markdown()
    {
        var ask = node.Ask("say=Look image");
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.Contains("![sandbox](http", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sound_is_passed_over_even_behind_the_end()
    {
        var ask = node.Ask("chunks=4 audio=3");
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task Text_that_Coze_rewrites_at_its_end_is_told_as_rewritten()
    {
        var ask = node.Ask("chunks=6 rewrite");
        var streamed = await ask.StreamAsync();
        var whole = await node.Ask("chunks=6 rewrite").CompleteAsync();
        var turn = await node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{streamed.TurnId}");

        Assert.StartsWith("Rewritten: ", streamed.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(ask.Chat.Answers), streamed.Text);
        Assert.Equal(streamed.Text, whole.Text);
        Assert.Equal(streamed.Text, turn.Json.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content"));
    }

    [Fact]
    public async Task A_directive_that_cannot_be_followed_is_named_in_the_answer()
    {
        var answer = await node.Ask("chunks=many").CompleteAsync();

        Assert.Contains("'chunks'", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_reply_is_whole()
    {
        var ask = node.Ask("text=unicode chunks=20000 seed=2");
        var reply = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
    }
}
