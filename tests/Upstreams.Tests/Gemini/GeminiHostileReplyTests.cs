using System.Text;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.Gemini;

/// <summary>Replies of servers that break the rules of the API.</summary>
public sealed class GeminiHostileReplyTests : IDisposable
{
    private readonly GeminiRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task UsageAfterTheFinishReason_IsCounted()
    {
        var sink = await _rig.Read(
            Record("""{"candidates":[{"content":{"parts":[{"text":"A"}]},"finishReason":"STOP"}]}""")
            + Record("""{"candidates":[{"content":{"parts":[{"text":"B"}]}}]}""")
            + Record("""{"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":3,"totalTokenCount":5}}"""));

        Assert.Equal(("AB", FinishReason.Stop, 1), (sink.Answer, sink.Finish, sink.Ends));
        Assert.Equal(new Usage(2, 3, 5), sink.Usage);
    }

    [Theory]
    [InlineData("[", ",\n", "]")]
    [InlineData("[\n", "\n,\r\n", "\n]\n")]
    public async Task ArrayInPlaceOfEvents_LosesNothing(string start, string between, string end)
    {
        var wire = start + """{"candidates":[{"content":{"parts":[{"text":"Hello"}]}}]}""" + between
            + """{"candidates":[{"content":{"parts":[{"text":" world"}]},"finishReason":"STOP"}]}""" + end;
        var sink = await _rig.Read(wire);
        Assert.Equal(("Hello world", FinishReason.Stop), (sink.Answer, sink.Finish));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    public async Task WholeAnswerToAStreamRequest_IsTheReply(string array)
    {
        var reply = """{"candidates":[{"content":{"parts":[{"text":"Hello"}]},""" + "\n\n" + """ "finishReason":"STOP"}]}""";
        var answer = array + reply + (array.Length > 0 ? "]" : "");
        await using var server = await WireServer.Start(answer);
        using var rig = new GeminiRig(server.BaseUrl);
        var sink = await rig.Run(rig.Turn("Hi"));
        Assert.Equal(("Hello", FinishReason.Stop), (sink.Answer, sink.Finish));
    }

    [Fact]
    public async Task FinishReasonOnAConnectionThatStaysOpen_EndsTheReply()
    {
        var time = new ManualTime();
        var sink = new RecordingSink();
        var wire = Encoding.UTF8.GetBytes(Record("""{"candidates":[{"content":{"parts":[{"text":"A"}]},"finishReason":"STOP"}]}"""));
        await using var exchange = _rig.Exchange(new PiecesStream([wire], staysOpen: true), time);
        await time.AdvanceUntil(sink.ReadAll(exchange));
        Assert.Equal(("A", FinishReason.Stop), (sink.Answer, sink.Finish));
    }

    [Fact]
    public async Task DoneAfterTheFinishReason_EndsTheReply()
    {
        var text = Record("""{"candidates":[{"content":{"parts":[{"text":"A"}]}}]}""");
        var sink = await _rig.Read(text + Record("""{"candidates":[{"finishReason":"STOP"}]}""") + Record("[DONE]"));
        Assert.Equal(("A", FinishReason.Stop), (sink.Answer, sink.Finish));

        var cut = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(text + Record("[DONE]")));
        Assert.Equal(ErrorCode.UpstreamUnavailable, (await cut.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task CallsWithTheSameId_AreBothKept()
    {
        var sink = await _rig.Read(Record(
            """{"candidates":[{"content":{"parts":[{"functionCall":{"id":"x","name":"a"}},{"functionCall":{"id":"x","name":"b"}}]}}]}""")
            + Record("""{"candidates":[{"finishReason":"STOP"}]}"""));

        Assert.Equal(["a", "b"], sink.Items.Cast<ToolCallItem>().Select(call => call.Name));
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Fact]
    public async Task CallWithoutAName_IsAProtocolError()
    {
        var sink = await _rig.Read(Record("""{"candidates":[{"content":{"parts":[{"functionCall":{"id":"x"}},{"text":"A"}]},"finishReason":"STOP"}]}"""));
        Assert.Equal((ErrorCode.UpstreamProtocol, 1), (sink.Failure?.Code, sink.Ends));
    }

    [Theory]
    [InlineData("""{"candidates":[{"\ud800":1}],"\ud800":1}""")]
    [InlineData("""{"candidates":[null,7,{"content":null},{"content":{"parts":[null,7,{"text":null,"functionCall":null,"inlineData":{"data":7}}]}}]}""")]
    public async Task StrangeRecords_AreSkipped(string json) => Assert.Equal(
        FinishReason.Stop, (await _rig.Read(Record(json) + Record("""{"candidates":[{"finishReason":"STOP"}]}"""))).Finish);

    private static string Record(string json) => $"data: {json}\n\n";
}
