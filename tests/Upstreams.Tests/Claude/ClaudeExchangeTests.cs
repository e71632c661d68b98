using System.Text;

namespace CozeCluster.Upstreams.Tests.Claude;

/// <summary>How streams are read, and how they break.</summary>
public sealed class ClaudeExchangeTests : IDisposable
{
    private const string Answer = "你好 🚀\"quoted\"\n";

    private static readonly string Start = Event("message_start", """
        "message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,
        """.TrimEnd() + """ "usage":{"input_tokens":9,"cache_read_input_tokens":20,"cache_creation_input_tokens":3,"output_tokens":1}}""");

    private static readonly string Whole =
        Start + Event("ping") + ": comment\n\n" + Event("surprise", "\"x\":1")
        + Block(0, """{"type":"thinking","thinking":"","signature":""}""", """{"type":"thinking_delta","thinking":"Hm "}""",
            """{"type":"thinking_delta","thinking":"🤔"}""", """{"type":"signature_delta","signature":"abc"}""")
        + Block(1, """{"type":"text","text":""}""", """{"type":"text_delta","text":"你好 \ud83d"}""", """{"type":"text_delta","text":"\ude80"}""")
        + Block(2, """{"type":"text","text":""}""", """{"type":"text_delta","text":"\"quoted\"\n"}""")
        + Block(3, """{"type":"tool_use","id":"toolu_1","name":"get","input":{}}""", """{"type":"input_json_delta","partial_json":""}""",
            """{"type":"input_json_delta","partial_json":"{\"city\":"}""", """{"type":"input_json_delta","partial_json":"\"Zürich\"}"}""")
        + Delta("tool_use") + Event("message_stop");

    private readonly ClaudeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task Read_SplitAtEveryByte_ReturnsTheSameReply(string lineEnd)
    {
        var wire = Encoding.UTF8.GetBytes(Whole.Replace("\n", lineEnd));
        for (var cut = 1; cut < wire.Length; cut++)
        {
            var sink = new RecordingSink();
            await using var exchange = _rig.Exchange(new PiecesStream([wire[..cut], wire[cut..]]));
            await sink.ReadAll(exchange);
            AssertWhole(sink);
        }
    }

    [Fact]
    public async Task Read_CutAtEveryByte_NeverLooksComplete()
    {
        var wire = Encoding.UTF8.GetBytes(Whole.TrimEnd());
        for (var cut = 0; cut < wire.Length; cut++)
        {
            foreach (var reset in new Exception?[] { null, new IOException("reset") })
            {
                var sink = new RecordingSink();
                await using var exchange = _rig.Exchange(new PiecesStream([wire[..cut]], reset));

                var error = await sink.ReadUntilBroken(exchange);

                Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
                Assert.Equal(0, sink.Ends);
                Assert.StartsWith(sink.Answers.FirstOrDefault("").TrimEnd('\ud83d'), Answer);
                Assert.Same(error, await sink.ReadUntilBroken(exchange));
            }
        }
    }

    [Fact]
    public async Task Read_WithoutNamesOfEvents_ReturnsTheSameReply() =>
        AssertWhole(await _rig.Read(string.Join('\n', Whole.Split('\n').Where(line => !line.StartsWith("event:", StringComparison.Ordinal)))));

    [Theory]
    [InlineData("end_turn", FinishReason.Stop)]
    [InlineData("stop_sequence", FinishReason.Stop)]
    [InlineData("pause_turn", FinishReason.Stop)]
    [InlineData("tool_use", FinishReason.Stop)]
    [InlineData("something_new", FinishReason.Stop)]
    [InlineData("max_tokens", FinishReason.Length)]
    [InlineData("model_context_window_exceeded", FinishReason.Length)]
    [InlineData("refusal", FinishReason.ContentFilter)]
    public async Task Read_StopReason_IsTranslated(string reason, FinishReason expected) =>
        Assert.Equal(expected, (await _rig.Read(Start + Text(0, "Hi") + Delta(reason) + Event("message_stop"))).Finish);

    [Theory]
    [InlineData("content_block_delta", "{\"index\":0,\"delta\":")]
    [InlineData("content_block_delta", "[]")]
    [InlineData("message_delta", "not json")]
    [InlineData("message_stop", "")]
    public async Task Read_InvalidEvent_IsAProtocolError(string name, string data)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Start + Text(0, "x") + $"event: {name}\ndata: {data}\n\n" + Delta("end_turn")));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal((0, "x"), (sink.Ends, sink.Answer));
    }

    [Fact]
    public async Task Read_StopWithoutAReason_IsAProtocolError()
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Start + Text(0, "x") + Event("message_stop")));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Theory]
    [InlineData("overloaded_error", ErrorCode.UpstreamUnavailable)]
    [InlineData("api_error", ErrorCode.UpstreamFailed)]
    [InlineData("rate_limit_error", ErrorCode.UpstreamRateLimited)]
    [InlineData("timeout_error", ErrorCode.UpstreamTimeout)]
    public async Task Read_ErrorEvent_FailsTheReply(string type, ErrorCode expected)
    {
        var sink = await _rig.Read(
            Start + Text(0, "Hel") + Event("error", $$"""
            "error":{"type":"{{type}}","message":"No more"}
            """) + Event("message_stop"));

        Assert.Equal((expected, "Hel", 1), (sink.Failure!.Code, sink.Answer, sink.Ends));
        Assert.Contains("No more", sink.Failure.Message);
        Assert.Contains("req_1", sink.Failure.Message);
    }

    [Fact]
    public async Task Read_AnswerTool_IsText()
    {
        var sink = await _rig.Read(
            Start + Block(0, """{"type":"tool_use","id":"t1","name":"json","input":{}}""", """{"type":"input_json_delta","partial_json":"{\"a\":"}""",
                """{"type":"input_json_delta","partial_json":"1}"}""")
            + Block(1, """{"type":"tool_use","id":"t2","name":"json","input":{}}""", """{"type":"input_json_delta","partial_json":"{\"a\":2}"}""")
            + Delta("tool_use") + Event("message_stop"), answerTool: "json");

        Assert.Equal(("{\"a\":1}", FinishReason.Stop), (sink.Answer, sink.Finish));
        Assert.Empty(sink.Items);
    }

    [Fact]
    public async Task Read_CutToolCall_IsLeftOutAndEndsByLength()
    {
        var call = Block(0, """{"type":"tool_use","id":"t1","name":"get","input":{}}""", """{"type":"input_json_delta","partial_json":"{\"a\":"}""");

        var sink = await _rig.Read(Start + call + Delta("max_tokens") + Event("message_stop"));
        Assert.Empty(sink.Items);
        Assert.Equal(FinishReason.Length, sink.Finish);

        var broken = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Start + call + Delta("tool_use") + Event("message_stop")));
        Assert.Equal(ErrorCode.UpstreamProtocol, (await broken.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Read_CallsWithoutInput_HaveAnEmptyObject()
    {
        var sink = await _rig.Read(
            Start + Block(0, """{"type":"tool_use","id":"t1","name":"a","input":{}}""")
            + Block(1, """{"type":"tool_use","id":"t2","name":"b","input":{"x":1}}""")
            + Delta("tool_use") + Event("message_stop"));

        Assert.Equal([new ToolCallItem("t1", "a", "{}", true), new ToolCallItem("t2", "b", "{\"x\":1}", true)], sink.Items);
    }

    [Fact]
    public async Task Read_SteadyDeltas_AllocatesNothing()
    {
        const int Count = 20_000;
        var delta = Event("content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\\nlo 你好\"}");
        var start = Start + Event("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
        var sink = new CountingSink();
        await using var exchange = _rig.Exchange(new MemoryStream(Encoding.UTF8.GetBytes(start + string.Concat(Enumerable.Repeat(delta, Count)))));

        var allocated = 0L;
        while (sink.Appends < Count && await exchange.WaitToRead(ClaudeRig.Stop))
        {
            var isWarm = sink.Appends > 0;
            var before = GC.GetAllocatedBytesForCurrentThread();
            exchange.Read(sink);
            if (isWarm) allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(Count, sink.Appends);
        Assert.True(allocated < Count, $"{allocated} bytes for {Count} deltas");
    }

    private static string Event(string name, string? members = null) =>
        $"event: {name}\ndata: {{\"type\":\"{name}\"{(members is null ? "" : "," + members.Trim())}}}\n\n";

    private static string Block(int index, string start, params string[] deltas) =>
        Event("content_block_start", $"\"index\":{index},\"content_block\":{start}")
        + string.Concat(deltas.Select(delta => Event("content_block_delta", $"\"index\":{index},\"delta\":{delta}")))
        + Event("content_block_stop", $"\"index\":{index}");

    private static string Text(int index, string text) =>
        Block(index, "{\"type\":\"text\",\"text\":\"\"}", $"{{\"type\":\"text_delta\",\"text\":\"{text}\"}}");

    private static string Delta(string reason) => Event(
        "message_delta", $"\"delta\":{{\"stop_reason\":\"{reason}\",\"stop_sequence\":null}},"
        + "\"usage\":{\"input_tokens\":null,\"output_tokens\":15,\"output_tokens_details\":{\"thinking_tokens\":6}}");

    private static void AssertWhole(RecordingSink sink)
    {
        Assert.Equal(Answer, sink.Answer);
        Assert.Equal(["Hm 🤔"], sink.Reasoning);
        Assert.Equal(new ToolCallItem("toolu_1", "get", "{\"city\":\"Zürich\"}", ForClient: true), Assert.Single(sink.Items));
        Assert.Equal(new Usage(32, 15, 47) { CachedInputTokens = 20, CacheWriteTokens = 3, ReasoningTokens = 6 }, sink.Usage);
        Assert.Equal((FinishReason.ToolCalls, 1), (sink.Finish, sink.Ends));
        Assert.Equal(("msg_1", "req_1"), (sink.Ids["message_id"], sink.Ids["request_id"]));
        Assert.Equal(["reasoning:msg_1-1", "answer:msg_1-2", "item:toolu_1"], sink.Order);
    }

    private sealed class CountingSink : IReplySink
    {
        public int Appends { get; private set; }

        public int Open(string messageId, TextKind kind) => 0;
        public void Append(int part, ReadOnlySpan<char> delta) => Appends++;
        public void Set(int part, ReadOnlySpan<char> whole) { }
        public void Close(int part) { }
        public void Add(ReplyItem item) { }
        public void Identify(UpstreamHandle handle) { }
        public void SetUsage(Usage usage) { }
        public void Complete(FinishReason reason) { }
        public void Fail(Error error) { }
    }
}
