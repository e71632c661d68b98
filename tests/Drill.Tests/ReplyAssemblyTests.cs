namespace CozeCluster.Drill.Tests;

/// <summary>The drill assembles replies by the documented rules, and finds violations.</summary>
public sealed class ReplyAssemblyTests
{
    private readonly ReplyAssembly _reply = new();

    [Fact]
    public void Answers_and_reasoning_are_assembled()
    {
        AddText("0.2", "reasoning_content", "Hm");
        AddText("1.3", "content", "one");
        AddText("1.4", "content", "!");
        AddText("2.3", "content", "\\n\\ntwo");

        Assert.Equal(("one!\n\ntwo", "Hm", "2.3"), (_reply.Text, _reply.Reasoning, _reply.LastEventId));
        Assert.Empty(_reply.Faults);
    }

    [Fact]
    public void An_answer_that_itself_begins_with_a_blank_line_keeps_it()
    {
        AddText("0.5", "content", "\\n\\none");
        Assert.Equal("\n\none", _reply.Text);
        Assert.Empty(_reply.Faults);
    }

    [Fact]
    public void The_offset_of_a_rewrite_does_not_count_the_blank_line()
    {
        AddText("0.3", "content", "one");
        AddText("1.3", "content", "\\n\\ntwo");
        AddExtension("1.1.1", """{"rewritten":{"part":1,"offset":1}}""");
        AddText("1.3.1", "content", "HE");

        Assert.Equal("one\n\ntHE", _reply.Text);
        Assert.Empty(_reply.Faults);
    }

    [Fact]
    public void The_blank_line_before_a_rewrite_is_cut_off()
    {
        AddText("0.3", "content", "one");
        AddText("0.3", "content", "\\n\\n");
        AddExtension("0.1.1", """{"rewritten":{"part":0,"offset":1}}""");
        AddText("0.3.1", "content", "HE");

        Assert.Equal("oHE", _reply.Text);
        Assert.Empty(_reply.Faults);
    }

    [Theory]
    [InlineData("0.6", "content", "lo!")]
    [InlineData("0.8", "content", "lo!")]
    [InlineData("0.7", "reasoning_content", "lo!!")]
    [InlineData("", "content", "lo!")]
    public void Text_that_does_not_begin_where_the_last_event_ended_is_a_fault(string id, string field, string text)
    {
        AddText("0.4", "content", "Hel ");
        AddText(id, field, text);
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void A_part_that_arrives_again_is_a_fault()
    {
        AddText("0.3", "content", "one");
        AddText("1.5", "content", "\\n\\nthree");
        AddText("0.6", "content", "one");
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void An_event_of_the_bot_that_arrives_twice_is_a_fault()
    {
        AddExtension("0.1", """{"events":[{"type":"tool_call","id":"7"}]}""");
        Assert.Empty(_reply.Faults);
        AddExtension("0.1", """{"events":[{"type":"tool_call","id":"7"}]}""");
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void The_end_may_arrive_again_on_another_connection_but_not_on_the_same()
    {
        AddEnd();
        _reply.OnReconnected();
        AddEnd();
        Assert.Empty(_reply.Faults);
        AddEnd();
        Assert.NotEmpty(_reply.Faults);
    }

    [Fact]
    public void Events_are_read_from_pieces_of_any_size_and_an_incomplete_event_is_ignored()
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

    private void AddText(string id, string field, string text) =>
        _reply.Add(new StreamEvent(id, $$"""{"choices":[{"index":0,"delta":{"{{field}}":"{{text}}"},"finish_reason":null}]}"""));

    private void AddExtension(string id, string extension) =>
        _reply.Add(new StreamEvent(id, $$"""{"choices":[{"index":0,"delta":{},"finish_reason":null}],"cozecluster":{{extension}}}"""));

    private void AddEnd() => _reply.Add(new StreamEvent(null, """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"""));
}
