namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>Responses of servers that break the rules of the API.</summary>
public sealed class OpenAiHostileResponseTests : IDisposable
{
    private readonly ResponsesRig _rig = new();
    private readonly ResponseWire _wire = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Read_IdsThatChange_DoNotSplitTheText()
    {
        var sink = await _rig.Read(
            _wire.Created(), _wire.Delta("\"A\"").Replace("msg_1", "msg_x"), _wire.Delta("\"B\"").Replace("msg_1", "msg_y"),
            _wire.Completed(ResponseWire.Message("\"AB\"")));
        Assert.Equal("AB", sink.Answer);
    }

    [Fact]
    public async Task Read_NumbersThatMeanNothing_AreIgnoredInTheForeground()
    {
        var sink = await _rig.Read(
            ResponseWire.Numbered(7, "response.created", $"\"response\":{ResponseWire.Response("in_progress")}"),
            ResponseWire.Numbered(0, "response.output_text.delta", "\"delta\":\"A\""),
            ResponseWire.Numbered(0, "response.output_text.delta", "\"delta\":\"B\""),
            ResponseWire.Numbered(null, "response.completed", $"\"response\":{ResponseWire.Response("completed")}"));
        Assert.Equal(("AB", FinishReason.Stop), (sink.Answer, sink.Finish));
    }

    [Fact]
    public async Task Read_TextThatWasWrong_IsCorrectedByTheEnd()
    {
        var sink = await _rig.Read(
            _wire.Delta("\"A\""), _wire.Done("\"A\""), _wire.Delta("\"late\""), _wire.Completed(ResponseWire.Message("\"AC\"")));
        Assert.Equal("AC", sink.Answer);
    }

    [Fact]
    public async Task Read_ReasoningThatIsNotClosed_DoesNotHoldBackTheAnswer()
    {
        var sink = await _rig.Read(_wire.Thought("\"Hm\""), _wire.Delta("\"A\"", 1), _wire.Completed());
        Assert.Contains("reasoning-0", sink.Closed);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Read_CallWhoseItemIsMissing_IsNotComplete()
    {
        var arguments = _wire.Event("response.function_call_arguments.done", "\"item_id\":\"fc_1\",\"output_index\":1,\"arguments\":\"{}\"");
        var sink = await _rig.Read(arguments, _wire.Completed());
        Assert.Equal((ErrorCode.UpstreamProtocol, 1), (sink.Failure?.Code, sink.Ends));

        var call = ResponseWire.Call("a", "f");
        foreach (var events in new[] { new[] { arguments, _wire.Item(call), _wire.Completed() }, [arguments, _wire.Completed(call)] })
            Assert.Equal("a", Assert.Single((await _rig.Read(events)).Items).Id);
    }

    [Theory]
    [InlineData("""{"type":"function_call","call_id":"a","arguments":"{}"}""")]
    [InlineData("""{"type":"function_call","call_id":"a","name":"","arguments":"{}"}""")]
    public async Task Read_CallWithoutAName_IsAProtocolError(string call)
    {
        foreach (var events in new[] { new[] { _wire.Item(call), _wire.Completed() }, [_wire.Completed(call)] })
        {
            var sink = await _rig.Read(events);
            Assert.Equal((ErrorCode.UpstreamProtocol, 1), (sink.Failure?.Code, sink.Ends));
            Assert.Empty(sink.Items);
        }
    }

    [Fact]
    public async Task Read_CallsWithoutOrWithRepeatedIds_HaveDifferentIds()
    {
        const string bare = """{"type":"function_call","name":"f"}""";
        var sink = await _rig.Read(_wire.Completed(ResponseWire.Call("a", "f"), ResponseWire.Call("a", "g"), bare, bare));
        Assert.Equal(4, sink.Items.Select(item => item.Id).Distinct().Count());
    }

    [Fact]
    public async Task Read_TooManyCalls_Fails()
    {
        var calls = Enumerable.Range(0, 129).Select(i => _wire.Item(ResponseWire.Call($"c{i}", "f"), i));
        Assert.Equal(ErrorCode.UpstreamProtocol, (await _rig.Read([.. calls])).Failure?.Code);
    }

    [Fact]
    public async Task Read_EndlessArguments_Fail()
    {
        var calls = Enumerable.Range(0, 5).Select(i => _wire.Item(ResponseWire.Call($"c{i}", "f", new string('x', 1 << 20)), i));
        Assert.Equal(ErrorCode.UpstreamProtocol, (await _rig.Read([.. calls])).Failure?.Code);
    }

    [Theory]
    [InlineData("""{"type":"response.completed"}""")]
    [InlineData("""{"type":"response.completed","response":[]}""")]
    [InlineData("""{"type":"response.output_item.done","item":null}""")]
    [InlineData("""["response.completed"]""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("{")]
    public async Task Read_BrokenEvent_IsAProtocolError(string data)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of($"{_wire.Created()}data: {data}\n\n"), isBackground: false);
        Assert.Equal((ErrorCode.UpstreamProtocol, 0), ((await sink.ReadUntilBroken(exchange)).Code, sink.Ends));
    }

    [Fact]
    public async Task Read_DeepJson_IsAProtocolError()
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(
            PiecesStream.Of($"data: {{\"x\":{new string('[', 10_000)}{new string(']', 10_000)}}}\n\n"), isBackground: false);
        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Read_OddValues_AreIgnored()
    {
        var sink = await _rig.Read(
            """data: {"type":"response.output_text.delta","delta":null,"output_index":"x","content_index":-3}""" + "\n\n",
            """data: {"type":7,"delta":{"a":1}}""" + "\n\n", """data: {"type":"response.web_search_call.searching","item_id":"ws"}""" + "\n\n",
            _wire.Item("""{"type":"image_generation_call","result":"AAAA"}"""), "data: [DONE]\n\n",
            _wire.Completed("7", "null", """{"type":"message","content":[null,7,{"type":"output_text","text":"A"}]}"""));
        Assert.Equal(("A", FinishReason.Stop, 1), (sink.Answer, sink.Finish, sink.Ends));
    }

    [Fact]
    public async Task Read_KeysInErrors_AreRemoved()
    {
        const string message = "Incorrect key sk-proj-abcdefgh12345678 given";
        var failed = ResponseWire.Response("failed", $",\"error\":{{\"message\":\"{message}\"}}");
        var sink = await _rig.Read(_wire.Event("response.failed", $"\"response\":{failed}"));
        Assert.DoesNotContain("sk-proj-abc", sink.Failure!.Message, StringComparison.Ordinal);
    }
}
