namespace CozeCluster.Upstreams.Tests.Claude;

/// <summary>Replies of servers that break the rules of the API.</summary>
public sealed class ClaudeHostileReplyTests : IDisposable
{
    private const string Start = "event: message_start\ndata: {\"message\":{\"id\":\"m\"}}\n\n";

    private readonly ClaudeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData("tool_use")]
    [InlineData("end_turn")]
    public async Task Read_CallsWithoutTheirStops_AreKept(string reason)
    {
        var sink = await _rig.Read(Start + Tool(0, "a") + Input(0, "{\\\"x\\\":1}") + Tool(1, "b") + End(reason));

        Assert.Equal([new ToolCallItem("id-a", "a", "{\"x\":1}", true), new ToolCallItem("id-b", "b", "{}", true)], sink.Items);
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Fact]
    public async Task Read_EventsWithoutAnIndex_AreOneAfterTheOther()
    {
        var wire = Start + Tool(0, "a") + Input(0, "{}") + Stop(0) + Tool(0, "b") + Stop(0) + End("tool_use");
        var sink = await _rig.Read(wire.Replace("\"index\":0,", "", StringComparison.Ordinal));
        Assert.Equal(["a", "b"], sink.Items.Cast<ToolCallItem>().Select(call => call.Name));
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(0, 1, 5)]
    public async Task Read_InputOfAnotherBlock_IsAProtocolError(int first, int second, int input)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Start + Tool(first, "a") + Tool(second, "b") + Input(input, "{}") + End("tool_use")));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
    }

    [Theory]
    [InlineData("event: content_block_delta\ndata: {\"\\ud800\":1}\n\n")]
    [InlineData("data: {\"\\ud800\":1}\n\n")]
    [InlineData("event: content_block_delta\ndata: {\"delta\":{\"\\ud800\":1}}\n\n")]
    public async Task Read_NameWithHalfASurrogatePair_IsAProtocolError(string wire)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Start + wire));
        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Run_WholeAnswerToAStreamRequest_IsTheReply()
    {
        await using var server = await WireServer.Start("""
            {"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":3},"content":[
            {"type":"thinking","thinking":"Hm","signature":"s"},{"type":"text","text":"Hel"},{"type":"text","text":"lo"},
            {"type":"tool_use","id":"a","name":"f","input":{"x":1}}]}
            """);
        using var rig = new ClaudeRig(server.BaseUrl);
        var sink = await rig.Run(rig.Turn("Hi"));
        Assert.Equal(("Hello", "Hm", FinishReason.ToolCalls), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish));
        Assert.Equal(new ToolCallItem("a", "f", """{"x":1}""", ForClient: true), Assert.Single(sink.Items));
        Assert.Equal(new Usage(5, 3, 8), sink.Usage);
    }

    [Fact]
    public async Task Read_CallsWithTheSameId_AreBothKept()
    {
        var sink = await _rig.Read(Start + Tool(0, "a") + Stop(0) + Tool(1, "a") + Stop(1) + End("tool_use"));
        Assert.Equal(2, sink.Items.Select(item => item.Id).Distinct().Count());
    }

    private static string Tool(int index, string name) =>
        $"event: content_block_start\ndata: {{\"index\":{index},\"content_block\":{{\"type\":\"tool_use\",\"id\":\"id-{name}\",\"name\":\"{name}\"}}}}\n\n";

    private static string Input(int index, string json) =>
        $"event: content_block_delta\ndata: {{\"index\":{index},\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{json}\"}}}}\n\n";

    private static string Stop(int index) => $"event: content_block_stop\ndata: {{\"index\":{index},\"type\":\"x\"}}\n\n";

    private static string End(string reason) =>
        $"event: message_delta\ndata: {{\"delta\":{{\"stop_reason\":\"{reason}\"}}}}\n\nevent: message_stop\ndata: {{}}\n\n";
}
