using System.Net;
using System.Text;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>How streams of chat completions are read, and how they break.</summary>
public sealed class OpenAiExchangeTests
{
    private const string Text = "你好 🚀\"quoted\"\n";

    private static readonly string UntilFinish =
        ": hi\n\n" + Delta("""{"role":"assistant","content":""}""") + Delta("""{"reasoning_content":"Hm 🤔"}""") + Delta("""{"content":"你好 \ud83d"}""")
        + Delta("""{"content":"\ude80\"quoted\"\n"}""");

    private static readonly string Whole = UntilFinish + Delta("{}", "\"stop\"")
        + "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3,\"total_tokens\":8,"
        + "\"prompt_tokens_details\":{\"cached_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\ndata: [DONE]\n\n";

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task Read_SplitAtEveryByte_ReturnsTheSameReply(string lineEnd)
    {
        var wire = Encoding.UTF8.GetBytes(Whole.Replace("\n", lineEnd));
        for (var cut = 1; cut < wire.Length; cut++) AssertWhole(await Read(new PiecesStream([wire[..cut], wire[cut..]])));
        for (var size = 1; size < 20; size++) AssertWhole(await Read(new PiecesStream(wire.Chunk(size))));
    }

    [Fact]
    public async Task Read_CutAtEveryByteBeforeTheReason_NeverLooksComplete()
    {
        var wire = Encoding.UTF8.GetBytes(UntilFinish);
        for (var cut = 0; cut <= wire.Length; cut++)
        {
            foreach (var reset in new Exception?[] { null, new IOException("reset") })
            {
                var sink = new RecordingSink();
                await using var exchange = Exchange(new PiecesStream([wire[..cut]], reset));
                var error = await sink.ReadUntilBroken(exchange);
                Assert.Equal((ErrorCode.UpstreamUnavailable, 0), (error.Code, sink.Ends));
                Assert.StartsWith(sink.Answers.FirstOrDefault() ?? "", Text);
                Assert.Same(error, await sink.ReadUntilBroken(exchange));
            }
        }
    }

    [Fact]
    public async Task Read_DoneWithoutAReason_IsCut()
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(PiecesStream.Of(UntilFinish + "data: [DONE]\n\n"));
        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
    }

    [Fact]
    public async Task Read_ReasonWithoutDone_IsComplete()
    {
        foreach (var reset in new Exception?[] { null, new IOException("reset") })
        {
            var sink = await Read(new PiecesStream([Encoding.UTF8.GetBytes(UntilFinish + Delta("{}", "\"length\""))], reset));
            Assert.Equal((FinishReason.Length, Text), (sink.Finish, sink.Answer));
        }
    }

    [Fact]
    public async Task Read_ReasonOnAConnectionThatStaysOpen_IsCompleteAfterAMoment()
    {
        var time = new ManualTime();
        var sink = new RecordingSink();
        var wire = Encoding.UTF8.GetBytes(UntilFinish + Delta("{}", "\"stop\""));
        await using var exchange = Exchange(new PiecesStream([wire], staysOpen: true), time);
        await time.AdvanceUntil(sink.ReadAll(exchange));
        Assert.Equal((FinishReason.Stop, Text, 1), (sink.Finish, sink.Answer, sink.Ends));
    }

    [Theory]
    [InlineData("\"stop\"")]
    [InlineData("\"null\"")]
    public async Task Read_ReasonWithEveryChunk_IsNoEnd(string reason)
    {
        var time = new ManualTime();
        using var stop = new CancellationTokenSource();
        var sink = new RecordingSink();
        var wire = Encoding.UTF8.GetBytes(Delta("""{"content":"Hel"}""", reason) + Delta("""{"content":"lo"}""", reason));
        await using var exchange = Exchange(new PiecesStream([wire], staysOpen: true), time);
        Assert.True(await exchange.WaitToRead(stop.Token));
        exchange.Read(sink);
        var wait = exchange.WaitToRead(stop.Token).AsTask();
        time.Advance(TimeSpan.FromSeconds(10));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.Equal(("Hello", 0), (sink.Answer, sink.Ends));
    }

    [Fact]
    public async Task Read_CancelledBehindTheReason_IsCancelled()
    {
        using var stop = new CancellationTokenSource();
        var sink = new RecordingSink();
        var wire = Encoding.UTF8.GetBytes(UntilFinish + Delta("{}", "\"stop\""));
        await using var exchange = Exchange(new PiecesStream([wire], staysOpen: true), new ManualTime());
        Assert.True(await exchange.WaitToRead(stop.Token));
        exchange.Read(sink);
        var wait = exchange.WaitToRead(stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.Equal(0, sink.Ends);
    }

    [Theory]
    [InlineData("chat", """
        {"id":"c1","object":"chat.completion","choices":[{"index":0,
        "message":{"role":"assistant","content":"Hello","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":3}}
        """)]
    [InlineData("responses", """
        {"id":"resp_1","object":"response","status":"completed","error":null,"output":[
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},
        {"type":"function_call","call_id":"a","name":"f","arguments":"{}"}],"usage":{"input_tokens":5,"output_tokens":3}}
        """)]
    public async Task Run_WholeAnswerToAStreamRequest_IsTheReply(string api, string answer)
    {
        await using var server = await WireServer.Start(answer);
        using var rig = new ResponsesRig(server.BaseUrl);
        rig.SetOptions(("api", api));
        var sink = await rig.Run(rig.Turn("Hi"));
        Assert.Equal(("Hello", FinishReason.ToolCalls, new Usage(5, 3, 8)), (sink.Answer, sink.Finish, sink.Usage));
        Assert.Equal("a", Assert.Single(sink.Items).Id);
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"cut""")]
    [InlineData("""{"choices":[]} {"choices":[]}""")]
    [InlineData("""{"status":"ok"}""")]
    [InlineData("[]")]
    public async Task Open_OtherJson_IsAnUnexpectedAnswer(string answer)
    {
        await using var server = await WireServer.Start(answer);
        using var rig = new ResponsesRig(server.BaseUrl);
        rig.SetOptions(("api", "chat"));
        var error = await Assert.ThrowsAsync<ClusterException>(() => rig.Run(rig.Turn("Hi")));
        Assert.Equal(ErrorCode.UpstreamProtocol, error.Code);
    }

    [Theory]
    [InlineData("""{"error":{"message":"no","type":"server_error","code":null}}""", ErrorCode.UpstreamFailed)]
    [InlineData("""{"error":{"message":"slow down","code":429}}""", ErrorCode.UpstreamRateLimited)]
    [InlineData("""{"error":"boom"}""", ErrorCode.UpstreamFailed)]
    [InlineData("""{"id":"x","error":{"message":"maximum context length is 8","type":"invalid_request_error"}}""", ErrorCode.ContextLengthExceeded)]
    public async Task Read_ErrorInTheStream_EndsTheReply(string error, ErrorCode code)
    {
        foreach (var name in new[] { "", "event: error\n" })
        {
            var sink = await Read(PiecesStream.Of($"{UntilFinish}{name}data: {error}\n\n"));
            Assert.Equal((code, 1), (sink.Failure?.Code, sink.Ends));
        }
    }

    [Fact]
    public async Task Read_ParallelCallsInPieces_AreOrderedByIndex()
    {
        var sink = await Read(PiecesStream.Of(
            Delta("""{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}""")
            + Delta("""{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]}""")
            + Delta("""{"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]}""")
            + Delta("{}", "\"tool_calls\"") + "data: [DONE]\n\n"));
        Assert.Equal(
            [new ToolCallItem("a", "f", """{"x":1}""", ForClient: true), new ToolCallItem("b", "g", "{}", ForClient: true)], sink.Items.Cast<ToolCallItem>());
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"index\":0,")]
    public async Task Read_CallsWithoutTheirIndices_AreToldApartByTheirIds(string index)
    {
        var sink = await Read(PiecesStream.Of(
            Delta($$$"""{"tool_calls":[{{{{index}}}"id":"a","function":{"name":"f","arguments":"{}"}}]}""")
            + Delta($$$"""{"tool_calls":[{{{{index}}}"id":"b","function":{"name":"f"}}]}""") + Delta("{}", "\"stop\"") + "data: [DONE]\n\n"));
        Assert.Equal(["a", "b"], sink.Items.Select(item => item.Id));
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Theory]
    [InlineData("""{"function":{"name":"f","arguments":"{\"x\":1}"}},{"function":{"name":"g","arguments":"{\"y\":2}"}}""", "", "")]
    [InlineData(
        """{"index":0,"id":"","function":{"name":"f","arguments":"{\"x\":1}"}}""",
        """{"index":0,"id":"","function":{"name":"g","arguments":""}}""",
        """{"index":0,"id":"","function":{"arguments":"{\"y\":2}"}}""")]
    [InlineData(
        """{"index":0,"id":"","function":{"name":"f","arguments":"{\"x\""}}""",
        """{"index":0,"id":"","function":{"name":"f","arguments":":1}"}},{"index":0,"id":"","function":{"name":"f","arguments":""}}""",
        """{"index":0,"id":"","function":{"name":"g","arguments":"{\"y\":2}"}}""")]
    public async Task Read_CallsWithoutIndicesAndIds_AreToldApartByTheirNames(string first, string second, string third)
    {
        var sink = await Read(PiecesStream.Of(
            string.Concat(new[] { first, second, third }.Where(calls => calls.Length > 0).Select(calls => Delta($$"""{"tool_calls":[{{calls}}]}""")))
            + Delta("{}", "\"tool_calls\"") + "data: [DONE]\n\n"));
        Assert.Equal(
            ["""f {"x":1}""", """g {"y":2}"""], sink.Items.Cast<ToolCallItem>().Select(call => $"{call.Name} {call.Arguments}"));
        Assert.Equal(2, sink.Items.Select(item => item.Id).Distinct().Count());
    }

    [Fact]
    public async Task Read_CallToTheSameToolWithBracesInTexts_IsOneCall()
    {
        var sink = await Read(PiecesStream.Of(
            Delta("""{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"x\":\"}{\\\"\""}}]}""")
            + Delta("""{"tool_calls":[{"index":0,"function":{"name":"f","arguments":",\"y\":[{}]"}}]}""")
            + Delta("""{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}""") + Delta("{}", "\"tool_calls\"") + "data: [DONE]\n\n"));
        Assert.Equal("""{"x":"}{\"","y":[{}]}""", Assert.IsType<ToolCallItem>(Assert.Single(sink.Items)).Arguments);
    }

    [Fact]
    public async Task Read_UsageWithFractions_IsCounted()
    {
        var sink = await Read(PiecesStream.Of(UntilFinish + Delta("{}", "\"stop\"")
            + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5.0,\"completion_tokens\":\"3.0\",\"total_tokens\":8e0}}\n\ndata: [DONE]\n\n"));
        Assert.Equal(new Usage(5, 3, 8), sink.Usage);
    }

    [Fact]
    public async Task Read_TooManyCalls_Fails()
    {
        var calls = Enumerable.Range(0, 129).Select(i => Delta($$$"""{"tool_calls":[{"index":{{{i}}},"id":"c{{{i}}}","function":{"name":"f"}}]}"""));
        Assert.Equal(ErrorCode.UpstreamProtocol, (await Read(PiecesStream.Of(string.Concat(calls)))).Failure?.Code);
    }

    [Theory]
    [InlineData("6m0s", 360_000)]
    [InlineData("20ms", 20)]
    [InlineData("1.5s", 1_500)]
    [InlineData("0s", 0)]
    [InlineData("7", 7_000)]
    [InlineData("soon", null)]
    public void ReadDuration_KnowsTheirForms(string text, int? milliseconds) =>
        Assert.Equal(milliseconds is { } expected ? TimeSpan.FromMilliseconds(expected) : null, OpenAiErrors.ReadDuration(text));

    [Theory]
    [InlineData(429, """{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}""", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(429, """{"error":{"message":"check your billing details"}}""", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(429, """{"error":{"message":"slow"}}""", ErrorCode.UpstreamRateLimited)]
    [InlineData(400, """{"error":{"message":"x","code":"context_length_exceeded"}}""", ErrorCode.ContextLengthExceeded)]
    [InlineData(400, """{"detail":"The prompt is too long"}""", ErrorCode.ContextLengthExceeded)]
    [InlineData(400, """{"error":{"message":"x","code":"invalid_function_parameters"}}""", ErrorCode.UpstreamInvalidRequest)]
    [InlineData(401, "{}", ErrorCode.UpstreamUnauthorized)]
    [InlineData(404, """{"error":{"message":"x","code":"model_not_found"}}""", ErrorCode.UpstreamNotFound)]
    [InlineData(503, "{}", ErrorCode.UpstreamUnavailable)]
    [InlineData(500, "[]", ErrorCode.UpstreamFailed)]
    public void ToError_MapsWhatServersSend(int status, string body, ErrorCode code)
    {
        var refusal = OpenAiRefusal.Parse(LenientJson.TryParse(body)!.Value);
        Assert.Equal(code, OpenAiErrors.ToError(refusal, (HttpStatusCode)status).Code);
    }

    [Fact]
    public void ToError_NamesTheClientsField_AndNoKey()
    {
        SecretsInUse.Note("sk-abcdefghijklmnopqrstuvwxyz");
        const string field = "tools[0].function.parameters";
        var error = OpenAiErrors.ToError(new OpenAiRefusal("invalid_function_parameters", null, "Bad key sk-abcdefghijklmnopqrstuvwxyz", field));
        Assert.Equal(field, error.Param);
        Assert.DoesNotContain("sk-abc", error.Message, StringComparison.Ordinal);
    }

    private static string Delta(string delta, string finishReason = "null") =>
        $$"""data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finishReason}}}]}""" + "\n\n";

    private static OpenAiExchange Exchange(Stream stream, TimeProvider? time = null)
    {
        var account = new AccountDefinition { Id = "acc", Upstream = "openai", BaseUrl = "http://127.0.0.1:1" };
        var bot = new BotDefinition { Id = "bot", Upstream = "openai", UpstreamBotId = "m", Accounts = ["acc"] };
        return new(
            new UpstreamTurn("turn_1", bot, account, "user", []), new EventStream(new HttpResponseMessage(), stream, "req_1"),
            time ?? TimeProvider.System, NullLogger.Instance);
    }

    private static async Task<RecordingSink> Read(Stream stream)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(stream);
        await sink.ReadAll(exchange);
        return sink;
    }

    private static void AssertWhole(RecordingSink sink)
    {
        Assert.Equal((Text, "Hm 🤔", FinishReason.Stop, 1), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish, sink.Ends));
        Assert.Equal(new Usage(5, 3, 8) { CachedInputTokens = 2, ReasoningTokens = 1 }, sink.Usage);
        Assert.Equal("c1", sink.Ids["id"]);
    }
}
