using System.Text;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>Replies of servers that break the rules of the API.</summary>
public sealed class OpenAiHostileReplyTests
{
    [Theory]
    [InlineData("length")]
    [InlineData("max_tokens")]
    [InlineData("model_length")]
    public async Task Read_CutReply_HasNoCalls(string reason)
    {
        var sink = await Read(Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]}""") + Delta("{}", $"\"{reason}\""));
        Assert.Empty(sink.Items);
        Assert.Equal((FinishReason.Length, 1), (sink.Finish, sink.Ends));
    }

    [Fact]
    public async Task Read_CallWithoutAName_IsAProtocolError()
    {
        var sink = await Read(Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}""") + Delta("{}", "\"tool_calls\""));
        Assert.Equal((ErrorCode.UpstreamProtocol, 1), (sink.Failure?.Code, sink.Ends));
        Assert.Empty(sink.Items);
    }

    [Fact]
    public async Task Read_CallsWithoutOrWithRepeatedIds_HaveDifferentIds()
    {
        var sink = await Read(
            Delta("""{"tool_calls":[{"index":7,"function":{"name":"f"}},{"index":2,"function":{"name":"g"}}]}""")
            + Delta("""{"tool_calls":[{"index":3,"id":"call_0","function":{"name":"h"}}]}""")
            + Delta("{}", "\"tool_calls\""));
        Assert.Equal(["g", "h", "f"], sink.Items.Cast<ToolCallItem>().Select(call => call.Name));
        Assert.Equal(3, sink.Items.Select(item => item.Id).Distinct().Count());
    }

    [Fact]
    public async Task Read_ContentInParts_IsAnswerAndReasoning()
    {
        var sink = await Read(
            Delta("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},{"type":"text","text":"He"}]}""")
            + Delta("""{"content":[{"type":"text","text":"llo"},7,null,{"type":"reference"}]}""") + Delta("""{"content":" you"}""") + Delta("{}", "\"stop\""));
        Assert.Equal(("Hello you", "Hm"), (sink.Answer, Assert.Single(sink.Reasoning)));
    }

    [Fact]
    public async Task Read_SecondChoice_DoesNotMixWithTheFirst()
    {
        var sink = await Read(
            "data: {\"choices\":[" + """{"delta":{"content":"A"},"finish_reason":"stop","index":0},"""
            + """{"delta":{"content":"B"},"finish_reason":null,"index":1}]}""" + "\n\n");
        Assert.Equal(("A", FinishReason.Stop), (sink.Answer, sink.Finish));
    }

    [Fact]
    public async Task Read_NullsEmptyChoicesAndLateText_AreRead()
    {
        var sink = await Read(
            """data: {"choices":[]}""" + "\n\n" + """data: {"choices":null,"usage":null,"error":null}""" + "\n\n"
            + Delta("""{"content":null,"tool_calls":null,"reasoning":"Hm","reasoning_content":null}""") + Delta("""{"content":"A"}""", "\"stop\"")
            + Delta("""{"content":"B"}""", "\"length\"")
            + """data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}""" + "\n\ndata: [DONE]\n\n");
        Assert.Equal(("AB", "Hm", FinishReason.Length, 1), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish, sink.Ends));
        Assert.Equal(new Usage(1, 2, 3), sink.Usage);
    }

    [Fact]
    public async Task Read_OnlyReasoning_IsAnEnd() =>
        Assert.Equal(FinishReason.Stop, (await Read(Delta("""{"reasoning_content":"Hm"}""") + Delta("{}", "\"stop\""))).Finish);

    [Theory]
    [InlineData("""{"\ud800":1}""", false)]
    [InlineData("""{"choices":[{"\ud800":1,"delta":{"\ud800":1}}]}""", false)]
    [InlineData("""{"choices":[{"delta":{"tool_calls":[{"\ud800":1,"function":{"\ud800":1}}]}}]}""", true)]
    [InlineData("""{"usage":{"\ud800":1}}""", true)]
    public async Task Read_NameWithHalfASurrogatePair_IsNoUnexpectedException(string json, bool isRead)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange($"data: {json}\n\n");
        Assert.Equal(isRead ? ErrorCode.UpstreamUnavailable : ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Read_DeepJson_IsAProtocolError()
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange($"data: {{\"x\":{new string('[', 10_000)}{new string(']', 10_000)}}}\n\n");
        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Read_EndlessArguments_Fail()
    {
        var piece = Delta($$$"""{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{{{new string('x', 1 << 20)}}}"}}]}""");
        Assert.Equal(ErrorCode.UpstreamProtocol, (await Read(string.Concat(Enumerable.Repeat(piece, 5)))).Failure?.Code);
    }

    private static string Delta(string delta, string finishReason = "null") =>
        $$"""data: {"choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finishReason}}}]}""" + "\n\n";

    private static OpenAiExchange Exchange(string wire)
    {
        var account = new AccountDefinition { Id = "acc", Upstream = "openai", BaseUrl = "http://127.0.0.1:1" };
        var bot = new BotDefinition { Id = "bot", Upstream = "openai", UpstreamBotId = "m", Accounts = ["acc"] };
        var stream = new EventStream(new HttpResponseMessage(), new MemoryStream(Encoding.UTF8.GetBytes(wire)), "req_1");
        return new(new UpstreamTurn("turn_1", bot, account, "user", []), stream, TimeProvider.System, NullLogger.Instance);
    }

    private static async Task<RecordingSink> Read(string wire)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(wire);
        await sink.ReadAll(exchange);
        return sink;
    }
}
