using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Replies;

/// <summary>What clients receive of the replies of bots, with and without streaming.</summary>
public sealed class ReplyTests(NodeFixture node)
{
    [Fact]
    public async Task Chunks_have_the_order_that_clients_expect()
    {
        var reply = await node.NewRequest("chunks=5").StreamAsync();
        var chunks = reply.Chunks.ToList();

        Assert.Single(chunks.Select(chunk => chunk.Text("id")).Distinct());
        Assert.StartsWith("chatcmpl-", chunks[0].Text("id"), StringComparison.Ordinal);
        Assert.Single(chunks.Select(chunk => chunk.GetProperty("created").GetInt64()).Distinct());
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").Text("role"));
        Assert.Equal("stop", chunks[^2].GetProperty("choices")[0].Text("finish_reason"));
        Assert.Empty(chunks[^1].GetProperty("choices").EnumerateArray());
        Assert.All(chunks[..^1], chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("usage").ValueKind));
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task A_stream_contains_no_usage_unless_requested()
    {
        var request = node.NewRequest("chunks=5");
        request.Body["stream_options"] = new JsonObject();
        var reply = await request.StreamAsync();

        Assert.DoesNotContain(reply.Chunks, chunk => chunk.TryGetProperty("usage", out _));
        Assert.True(reply.IsDone);
    }

    [Theory]
    [InlineData("usage=3/4", 3, 4)]
    [InlineData("usage=none", 0, 0)]
    [InlineData("usage=5/6 usage_names=tokens", 5, 6)]
    public async Task Usage_is_passed_on_from_Coze(string directives, int input, int output)
    {
        var streamed = (await node.NewRequest(directives).StreamAsync()).Usage;
        var whole = (await node.NewRequest(directives).CompleteAsync()).Json.GetProperty("usage");

        Assert.Equal((input, output, input + output), streamed.ReadUsage());
        Assert.Equal((input, output, input + output), whole.ReadUsage());
    }

    [Fact]
    public async Task A_question_of_a_chatflow_is_a_whole_reply()
    {
        var streamed = await node.NewRequest("ask=Where").StreamAsync();
        var whole = (await node.NewRequest("ask=Where").CompleteAsync()).Json.GetProperty("choices")[0];

        Assert.Equal(("Where", "stop", true), (streamed.Text, streamed.FinishReason, streamed.IsDone));
        Assert.Equal(("Where", "stop"), (whole.GetProperty("message").Text("content"), whole.Text("finish_reason")));
        Assert.False(whole.GetProperty("message").TryGetProperty("tool_calls", out _));
    }

    [Fact]
    public async Task Several_answers_are_separated_by_blank_lines()
    {
        var request = node.NewRequest("answers=3 chunks=4");
        var streamed = await request.StreamAsync();
        var whole = await node.NewRequest("answers=3 chunks=4").CompleteAsync();

        Assert.Equal(3, request.Chat.Answers.Count);
        Assert.Equal(string.Join("\n\n", request.Chat.Answers), streamed.Text);
        Assert.Equal(streamed.Text, whole.Text);
    }

    [Fact]
    public async Task A_reply_without_an_answer_is_empty()
    {
        var streamed = await node.NewRequest("answers=0 followups=1").StreamAsync();
        var whole = await node.NewRequest("answers=0 followups=1").CompleteAsync();

        Assert.Equal(("", "stop", true), (streamed.Text, streamed.FinishReason, streamed.IsDone));
        Assert.Equal("", whole.Text);
    }

    [Fact]
    public async Task Reasoning_is_separate_from_the_text()
    {
        var request = node.NewRequest("reasoning=5 chunks=5 text=unicode seed=5");
        var streamed = await request.StreamAsync();
        var whole = await node.NewRequest("reasoning=5 chunks=5 text=unicode seed=5").CompleteAsync();

        Assert.NotEmpty(streamed.Reasoning);
        Assert.Equal(Assert.Single(request.Chat.Answers), streamed.Text);
        Assert.Equal((streamed.Text, streamed.Reasoning), (whole.Text, whole.Message.Text("reasoning_content")));
    }

    [Fact]
    public async Task Follow_ups_and_the_ids_at_Coze_are_in_the_extension_object()
    {
        var request = node.NewRequest("followups=2");
        var streamed = await request.StreamAsync();
        var whole = await node.NewRequest("followups=2").CompleteAsync();

        Assert.Equal(["Follow-up question 1?", "Follow-up question 2?"], streamed.Extension.GetProperty("follow_ups").Texts());
        Assert.Equal(["Follow-up question 1?", "Follow-up question 2?"], whole.Extension.GetProperty("follow_ups").Texts());
        Assert.Equal(streamed.TurnId, streamed.Extension.Text("turn_id"));
        var ids = streamed.Extension.GetProperty("origin").GetProperty("ids");
        var chat = request.Chat;
        Assert.Equal((chat.Id, chat.ConversationId, chat.BotId), (ids.Text("chat_id"), ids.Text("conversation_id"), ids.Text("bot_id")));
    }

    [Fact]
    public async Task Events_of_the_bot_are_in_the_extension_object()
    {
        const string Directives = "tool=weather,news knowledge verbose card followups=0 chunks=3";
        var streamed = await node.NewRequest(Directives).StreamAsync();
        var whole = await node.NewRequest(Directives).CompleteAsync();
        var types = streamed.Events.Select(item => item.Text("type")).ToList();

        Assert.Equal(["knowledge", "tool_call", "tool_output", "tool_call", "tool_output", "card", "notice"], types);
        Assert.Equal(types, whole.Extension.GetProperty("events").EnumerateArray().Select(item => item.Text("type")));
        Assert.Equal(["weather", "news"], streamed.Events.Where(item => item.Text("type") == "tool_call").Select(item => item.Text("name")));
        Assert.Equal("stop", streamed.FinishReason);
    }

    [Fact]
    public async Task An_image_in_an_answer_stays_Markdown()
    {
        var request = node.NewRequest("say=Look image");
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.Contains("![sandbox](http", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audio_is_ignored_even_after_the_end()
    {
        var request = node.NewRequest("chunks=4 audio=3");
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        Assert.True(reply.IsDone);
    }

    [Fact]
    public async Task Text_that_Coze_rewrites_at_its_end_is_sent_as_rewritten()
    {
        var request = node.NewRequest("chunks=6 rewrite");
        var streamed = await request.StreamAsync();
        var whole = await node.NewRequest("chunks=6 rewrite").CompleteAsync();

        Assert.StartsWith("Rewritten: ", streamed.Text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(request.Chat.Answers), streamed.Text);
        Assert.Equal(streamed.Text, whole.Text);
        Assert.Equal(streamed.Text, (await node.Http.GetTurnAsync(streamed.TurnId)).Text);
    }

    [Fact]
    public async Task An_invalid_directive_is_named_in_the_answer()
    {
        var response = await node.NewRequest("chunks=many").CompleteAsync();

        Assert.Contains("'chunks'", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_reply_is_complete()
    {
        var request = node.NewRequest("text=unicode chunks=20000 seed=2");
        var reply = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
    }
}
