namespace CozeCluster.Drill.Tests;

/// <summary>The drill puts replies together by the documented rules, and sees what does not fit.</summary>
public sealed class ReplyAssemblyTests
{
    private readonly ReplyAssembly _reply = new();

    [Fact]
    public void Answers_and_reasoning_are_put_together()
    {
        Say("0.2", "reasoning_content", "Hm");
        Say("1.3", "content", "one");
        Say("1.4", "content", "!");
        Say("2.3", "content", "\\n\\ntwo");

        Assert.Equal(("one!\n\ntwo", "Hm", "2.3"), (_reply.Text, _reply.Reasoning, _reply.LastEventId));
        Assert.Empty(_reply.Faults);
    }

    [Fact]
    public void An_answer_that_begins_with_a_blank_line_of_its_own_keeps_it()
    {
        Say("0.5", "content", "\\n\\none");
        Assert.Equal("\n\none", _reply.Text);
        Assert.Empty(_reply.Faults);
    }

    [Fact]
    public void Rewritten_text_is_cut_back_behind_the_blank_line()
    {
        Say("0.3", "content", "one");
        Say("1.3", "content", "\\n\\ntwo");
        Extend("1.1.1", """{"rewritten":{"part":1,"offset":1}}""");
        Say("1.3.1", "content", "HE");

        Assert.Equal("one\n\ntHE", _reply.Text);
        Assert.Empty(_reply.Faults);
    }

    [Theory]
    [InlineData("0.6", "content", "lo!")]
    [InlineData("0.8", "content", "lo!")]
    [InlineData("0.7", "reasoning_content", "lo!!")]
    [InlineData("", "content", "lo!")]
    public void What_does_not_begin_where_the_last_event_ended_is_a_fault(string id, string field, string text)
    {
        Say("0.4", "content", "Hel ");
        Say(id, field, text);
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void A_part_that_comes_again_is_a_fault()
    {
        Say("0.3", "content", "one");
        Say("1.5", "content", "\\n\\nthree");
        Say("0.6", "content", "one");
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void An_event_of_the_bot_that_comes_twice_is_a_fault()
    {
        Extend("0.1", """{"events":[{"type":"tool_call","id":"7"}]}""");
        Assert.Empty(_reply.Faults);
        Extend("0.1", """{"events":[{"type":"tool_call","id":"7"}]}""");
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void The_end_may_come_again_on_another_connection_but_not_on_the_same()
    {
        End();
        _reply.Reconnected();
        End();
        Assert.Empty(_reply.Faults);
        End();
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void Events_are_read_from_any_pieces_and_an_unfinished_one_never_happened()
    {
        var bytes = ": keep-alive\nid: 0.1\ndata: {\"a\":\"é🚀\"}\n\ndata: [DONE]\n\nid: 0.2\ndata: half\n"u8.ToArray();
        for (var size = 1; size < bytes.Length; size++)
        {
            var parser = new EventParser();
            var events = new List<StreamEvent>();
            foreach (var piece in bytes.Chunk(size)) parser.Read(piece, events.Add);
            Assert.Equal([new("0.1", "{\"a\":\"é🚀\"}"), new(null, "[DONE]")], events);
        }
    }

    private void Say(string id, string field, string text) =>
        _reply.Add(new StreamEvent(id, $$"""{"choices":[{"index":0,"delta":{"{{field}}":"{{text}}"},"finish_reason":null}]}"""));

    private void Extend(string id, string extension) =>
        _reply.Add(new StreamEvent(id, $$"""{"choices":[{"index":0,"delta":{},"finish_reason":null}],"cozecluster":{{extension}}}"""));

    private void End() => _reply.Add(new StreamEvent(null, """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"""));
}
