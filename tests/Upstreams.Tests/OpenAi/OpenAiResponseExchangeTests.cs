using System.Text;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>How the streams of responses are read, and how they end.</summary>
public sealed class OpenAiResponseExchangeTests : IDisposable
{
    private const string Text = "你好 🚀\"quoted\"\n";
    private const string TextJson = """ "你好 🚀\"quoted\"\n" """;

    private readonly ResponsesRig _rig = new();
    private readonly ResponseWire _wire = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task Read_SplitAtEveryByte_ReturnsTheSameReply(string lineEnd)
    {
        var wire = Encoding.UTF8.GetBytes(string.Concat(Whole()).Replace("\n", lineEnd));
        for (var cut = 1; cut < wire.Length; cut++) AssertWhole(await _rig.Read(new PiecesStream([wire[..cut], wire[cut..]])));
        for (var size = 1; size < 20; size++) AssertWhole(await _rig.Read(new PiecesStream(wire.Chunk(size))));
    }

    [Fact]
    public async Task Read_CutAtEveryByteBeforeTheEnd_NeverLooksComplete()
    {
        var wire = Encoding.UTF8.GetBytes(string.Concat(Whole().SkipLast(1)));
        for (var cut = 0; cut <= wire.Length; cut++)
        {
            foreach (var reset in new Exception?[] { null, new IOException("reset") })
            {
                var sink = new RecordingSink();
                await using var exchange = _rig.Exchange(new PiecesStream([wire[..cut]], reset), isBackground: false);
                var error = await sink.ReadUntilBroken(exchange);
                Assert.Equal((ErrorCode.UpstreamUnavailable, 0), (error.Code, sink.Ends));
                Assert.StartsWith(sink.Answers.FirstOrDefault() ?? "", Text);
                Assert.Same(error, await sink.ReadUntilBroken(exchange));
            }
        }
    }

    [Fact]
    public async Task Read_OnlyTheLastEvent_HasEverything()
    {
        var sink = await _rig.Read(Whole()[^1]);
        AssertWhole(sink);
        Assert.Equal(["reasoning:reasoning-0", "answer:answer-0"], sink.Order);
    }

    [Theory]
    [InlineData("""{"reason":"max_output_tokens"}""", FinishReason.Length)]
    [InlineData("""{"reason":"content_filter"}""", FinishReason.ContentFilter)]
    [InlineData("null", FinishReason.Length)]
    public async Task Read_Incomplete_IsCutAndHasNoCalls(string details, FinishReason reason)
    {
        var end = ResponseWire.Response("incomplete", $",\"incomplete_details\":{details}", ResponseWire.Message("\"A\""), ResponseWire.Call("a", "f"));
        var sink = await _rig.Read(
            _wire.Created(), _wire.Delta("\"A\""), _wire.Item(ResponseWire.Call("a", "f"), 1), _wire.Event("response.incomplete", $"\"response\":{end}"));
        Assert.Equal(("A", reason, 1), (sink.Answer, sink.Finish, sink.Ends));
        Assert.Empty(sink.Items);
    }

    [Theory]
    [InlineData("""{"code":"server_error","message":"boom"}""", ErrorCode.UpstreamFailed)]
    [InlineData("""{"code":"rate_limit_exceeded","message":"slow"}""", ErrorCode.UpstreamRateLimited)]
    [InlineData("""{"code":"invalid_prompt","message":"no"}""", ErrorCode.ContentFiltered)]
    [InlineData("""{"code":"image_too_small","message":"no"}""", ErrorCode.FileRejected)]
    [InlineData("null", ErrorCode.UpstreamFailed)]
    public async Task Read_Failed_EndsWithItsError(string error, ErrorCode code)
    {
        var sink = await _rig.Read(
            _wire.Created(), _wire.Delta("\"A\""), _wire.Event("response.failed", $"\"response\":{ResponseWire.Response("failed", $",\"error\":{error}")}"));
        Assert.Equal((code, 1), (sink.Failure?.Code, sink.Ends));
    }

    [Fact]
    public async Task Read_Cancelled_IsNoEnd()
    {
        var sink = await _rig.Read(_wire.Created(), _wire.Event("response.cancelled", $"\"response\":{ResponseWire.Response("cancelled")}"));
        Assert.Equal((ErrorCode.Cancelled, 1), (sink.Failure?.Code, sink.Ends));
    }

    [Theory]
    [InlineData("""{"type":"error","code":"server_error","message":"no"}""", ErrorCode.UpstreamFailed)]
    [InlineData("""{"type":"error","code":null,"message":"maximum context length is 8"}""", ErrorCode.ContextLengthExceeded)]
    [InlineData("""{"type":"error","error":{"code":"rate_limit_exceeded","message":"slow"}}""", ErrorCode.UpstreamRateLimited)]
    [InlineData("""{"error":{"code":"insufficient_quota","message":"pay"}}""", ErrorCode.UpstreamQuotaExceeded)]
    public async Task Read_ErrorEvent_EndsTheReply(string error, ErrorCode code)
    {
        foreach (var name in new[] { "", "event: error\n" })
        {
            var sink = await _rig.Read(_wire.Created(), $"{name}data: {error}\n\n");
            Assert.Equal((code, 1), (sink.Failure?.Code, sink.Ends));
        }
    }

    [Fact]
    public async Task Read_Calls_AreInTheOrderOfTheOutput()
    {
        var output = new[] { ResponseWire.Call("a", "f", """{"x":1}"""), ResponseWire.Call("b", "g", "") };
        foreach (var last in new[] { output, [] })
        {
            var sink = await _rig.Read(
                _wire.Created(), _wire.Event("response.function_call_arguments.delta", "\"output_index\":0,\"delta\":\"{\""), _wire.Item(output[0]),
                _wire.Item(output[1], 1), _wire.Completed(last));
            Assert.Equal(
                [new ToolCallItem("a", "f", """{"x":1}""", ForClient: true), new ToolCallItem("b", "g", "{}", ForClient: true)],
                sink.Items.Cast<ToolCallItem>());
            Assert.Equal((FinishReason.ToolCalls, 1), (sink.Finish, sink.Ends));
        }
    }

    [Fact]
    public async Task Read_RefusalAndSeveralParts_AreAnswersInOrder()
    {
        const string message = """{"type":"message","content":[{"type":"output_text","text":"A"},{"type":"refusal","refusal":"No."}]}""";
        var refusal = _wire.Event("response.refusal.delta", "\"output_index\":0,\"content_index\":1,\"delta\":\"No.\"");
        foreach (var sink in new[]
        {
            await _rig.Read(_wire.Delta("\"A\""), _wire.Done("\"A\""), refusal, _wire.Completed(message)), await _rig.Read(_wire.Completed(message)),
        })
        {
            Assert.Equal(["A", "No."], sink.Answers);
            Assert.Empty(sink.Rewrites);
        }
    }

    [Fact]
    public async Task Read_ForegroundResponse_IsIdentifiedButNotAttachable()
    {
        var sink = await _rig.Read(Whole());
        Assert.Equal((ResponsesRig.Id, "m-1", "req_1"), (sink.Ids["id"], sink.Ids["model"], sink.Ids["request_id"]));
        Assert.False(sink.Ids.ContainsKey("response_id"));
    }

    private string[] Whole()
    {
        var wire = new ResponseWire();
        return
        [
            ": hi\n\n", wire.Created(), wire.Event("response.in_progress", $"\"response\":{ResponseWire.Response("in_progress")}"),
            wire.Event("keepalive", "\"x\":1"), wire.Thought("\"Hm 🤔\""), wire.Thought("\"Aha\"", part: 1), wire.Delta("\"你好 \\ud83d\"", 1),
            wire.Delta("\"\\ude80\\\"quoted\\\"\\n\"", 1), wire.Done(TextJson, 1), wire.Item(ResponseWire.Message(TextJson), 1),
            wire.Event("response.completed", "\"response\":" + ResponseWire.Response(
                "completed",
                ",\"usage\":{\"input_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":2},\"output_tokens\":3,"
                + "\"output_tokens_details\":{\"reasoning_tokens\":1},\"total_tokens\":8}",
                """{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm 🤔"},{"type":"summary_text","text":"Aha"}]}""",
                ResponseWire.Message(TextJson))),
        ];
    }

    private static void AssertWhole(RecordingSink sink)
    {
        Assert.Equal((Text, "Hm 🤔\n\nAha", FinishReason.Stop, 1), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish, sink.Ends));
        Assert.Equal(new Usage(5, 3, 8) { CachedInputTokens = 2, ReasoningTokens = 1 }, sink.Usage);
        Assert.Empty(sink.Rewrites);
    }
}
