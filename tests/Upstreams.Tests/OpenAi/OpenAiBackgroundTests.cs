using System.Text;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>Background responses whose stream breaks, and those that are found again.</summary>
public sealed class OpenAiBackgroundTests
{
    private static readonly string[] Events = CreateEvents();

    [Fact]
    public async Task Read_StreamThatBreaksBehindEveryEvent_IsReadOn()
    {
        for (var count = 1; count < Events.Length; count++)
        {
            await using var server = await ResponsesServer.Start(
                string.Concat(Events[..count]), (http, after) => WireServer.Stream(http, string.Concat(Events[(after + 1)..])));
            using var rig = new ResponsesRig(server.BaseUrl);
            AssertWhole(await rig.Run(rig.Turn("hi")));
            Assert.Equal(["", $"?stream=true&starting_after={count - 1}"], server.Requests.Select(request => request.Query));
        }
    }

    [Fact]
    public async Task Read_StreamThatBreaksWithinAnEvent_IsReadOnFromTheEventBefore()
    {
        var (before, cut) = (string.Concat(Events[..3]), Encoding.UTF8.GetBytes(Events[3]));
        for (var length = 1; length < cut.Length - 2; length++)
        {
            await using var server = await WireServer.Start(async (http, request) =>
            {
                if (request.Method != "POST")
                {
                    await WireServer.Stream(http, string.Concat(Events[3..]));
                    return;
                }
                await WireServer.Stream(http, before);
                await http.Response.Body.WriteAsync(cut.AsMemory(0, length));
            });
            using var rig = new ResponsesRig(server.BaseUrl);
            AssertWhole(await rig.Run(rig.Turn("hi")));
            Assert.Equal("?stream=true&starting_after=2", server.Requests.Last().Query);
        }
    }

    [Fact]
    public async Task Read_StreamThatBreaksBehindEachEvent_IsReadOnEveryTime()
    {
        await using var server = await ResponsesServer.Start(
            Events[0], (http, after) => WireServer.Stream(http, Events[after + 1]));
        using var rig = new ResponsesRig(server.BaseUrl);
        AssertWhole(await rig.Run(rig.Turn("hi")));
        Assert.Equal(Events.Length, server.Requests.Count);
    }

    [Fact]
    public async Task Read_ServerThatRepeatsAllEvents_AddsNothingTwice()
    {
        await using var server = await ResponsesServer.Start(string.Concat(Events[..4]), (http, _) => WireServer.Stream(http, string.Concat(Events)));
        using var rig = new ResponsesRig(server.BaseUrl);
        AssertWhole(await rig.Run(rig.Turn("hi")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Read_MissingEvent_IsAskedForAndThenCorrected(bool hasIt)
    {
        var withGap = string.Concat(Events.Where((_, i) => i != 3));
        await using var server = await ResponsesServer.Start(withGap, (http, after) =>
            WireServer.Stream(http, string.Concat(Events.Where((_, i) => i > after && (hasIt || i != 3)))));
        using var rig = new ResponsesRig(server.BaseUrl);
        var sink = await rig.Run(rig.Turn("hi"));

        Assert.Equal(("Hello 世界!", FinishReason.Stop), (sink.Answer, sink.Finish));
        Assert.Equal("?stream=true&starting_after=2", Assert.Single(server.Requests, request => request.Method == "GET").Query);
        Assert.Equal(hasIt, sink.Rewrites.Count == 0);
    }

    [Fact]
    public async Task Read_StreamThatBringsNothing_ReadsTheResponse()
    {
        var time = new ManualTime();
        await using var server = await ResponsesServer.Start(
            string.Concat(Events[..4]), (http, _) => WireServer.Stream(http, ""),
            http => WireServer.Write(http, ResponseWire.Response("completed", "", ResponseWire.Message("\"Hello 世界!\""))));
        using var rig = new ResponsesRig(server.BaseUrl, time);
        var running = rig.Run(rig.Turn("hi"));
        await time.AdvanceUntil(running);
        AssertWhole(await running);
    }

    [Theory]
    [InlineData(400, "{\"error\":{\"message\":\"This response cannot be streamed.\"}}")]
    [InlineData(200, "{\"id\":\"resp_1\",\"status\":\"in_progress\"}")]
    public async Task Read_ServerWithoutStreams_IsAskedUntilTheEnd(int status, string body)
    {
        var time = new ManualTime();
        var reads = 0;
        await using var server = await ResponsesServer.Start(
            string.Concat(Events[..4]), (http, _) => WireServer.Write(http, body, status: status),
            http => WireServer.Write(http, ++reads < 20
                ? ResponseWire.Response("in_progress")
                : ResponseWire.Response("completed", "", ResponseWire.Message("\"Hello 世界!\""))));
        using var rig = new ResponsesRig(server.BaseUrl, time);
        var running = rig.Run(rig.Turn("hi"));
        await time.AdvanceUntil(running);
        AssertWhole(await running);
        Assert.Equal(22, server.Requests.Count);
    }

    [Fact]
    public async Task Read_EventsWithoutNumbers_AreNotReadTwice()
    {
        var time = new ManualTime();
        var events = string.Concat(Events[..4]);
        for (var i = 0; i < 4; i++) events = events.Replace($"\"sequence_number\":{i},", "");
        await using var server = await ResponsesServer.Start(
            events, (http, _) => WireServer.Stream(http, events),
            http => WireServer.Write(http, ResponseWire.Response("completed", "", ResponseWire.Message("\"Hello 世界!\""))));
        using var rig = new ResponsesRig(server.BaseUrl, time);
        var running = rig.Run(rig.Turn("hi"));
        await time.AdvanceUntil(running);
        AssertWhole(await running);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Read_ResponseThatCannotBeFound_HasAnUnknownOutcome(int status)
    {
        await using var server = await ResponsesServer.Start(
            string.Concat(Events[..3]), (http, _) => WireServer.Write(http, "{\"error\":{\"message\":\"Response not found.\"}}", status: status));
        using var rig = new ResponsesRig(server.BaseUrl);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Open(rig.Turn("hi"), ResponsesRig.Stop);

        var error = await sink.ReadUntilBroken(exchange);
        Assert.Equal((ErrorCode.UpstreamOutcomeUnknown, 0, 2), (error.Code, sink.Ends, server.Requests.Count));
        Assert.Contains("Response not found.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, ErrorCode.UpstreamFailed)]
    [InlineData(503, ErrorCode.UpstreamUnavailable)]
    [InlineData(429, ErrorCode.UpstreamRateLimited)]
    public async Task Read_ServerThatDoesNotRecover_FailsAfterSomeTries(int status, ErrorCode code)
    {
        var time = new ManualTime();
        await using var server = await ResponsesServer.Start(string.Concat(Events[..3]), (http, _) => WireServer.Write(http, "{}", status: status));
        using var rig = new ResponsesRig(server.BaseUrl, time);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Open(rig.Turn("hi"), ResponsesRig.Stop);
        var broken = sink.ReadUntilBroken(exchange);
        await time.AdvanceUntil(broken);

        Assert.Equal((code, 0, 7), ((await broken).Code, sink.Ends, server.Requests.Count));
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("in_progress")]
    public async Task Read_ErrorInTheStream_IsThatOfTheResponse(string status)
    {
        var time = new ManualTime();
        const string error = ",\"error\":{\"code\":\"server_error\",\"message\":\"boom\"}";
        var failed = string.Concat(Events[..4]) + ResponseWire.Numbered(4, "error", "\"code\":\"server_error\",\"message\":\"boom\",\"param\":null");
        var streams = 0;
        await using var server = await ResponsesServer.Start(
            failed,
            // The response goes on behind the error, or has ended with it.
            (http, _) => WireServer.Stream(http, status == "failed" || ++streams == 1 ? "" : string.Concat(Events[4..]).Replace("_number\":", "_number\":1")),
            http => WireServer.Write(http, ResponseWire.Response(status, status == "failed" ? error : "")));
        using var rig = new ResponsesRig(server.BaseUrl, time);
        var running = rig.Run(rig.Turn("hi"));
        await time.AdvanceUntil(running);
        var sink = await running;

        if (status == "failed") Assert.Equal((ErrorCode.UpstreamFailed, 1), (sink.Failure?.Code, sink.Ends));
        else AssertWhole(sink);
    }

    [Fact]
    public async Task Read_BreakBeforeTheId_MayBeSentAgain()
    {
        await using var server = await ResponsesServer.Start("");
        using var rig = new ResponsesRig(server.BaseUrl);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Open(rig.Turn("hi"), ResponsesRig.Stop);
        Assert.Equal((ErrorCode.UpstreamUnavailable, 1), ((await sink.ReadUntilBroken(exchange)).Code, server.Requests.Count));
    }

    [Theory]
    [InlineData("../../files")]
    [InlineData("")]
    [InlineData("a?b=c")]
    public async Task Read_IdThatIsNone_IsNoHandle(string id)
    {
        using var rig = new ResponsesRig();
        var sink = new RecordingSink();
        await using var exchange = rig.Exchange(PiecesStream.Of(Events[0].Replace(ResponsesRig.Id, id)), isBackground: true);
        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.DoesNotContain(sink.Handles, handle => handle.Ids.ContainsKey("response_id"));
    }

    [Fact]
    public async Task Attach_ReadsFromTheBeginning_AndAddsWhatIsMissing()
    {
        await using var server = await ResponsesServer.Start("", (http, after) => WireServer.Stream(http, string.Concat(Events[(after + 1)..])));
        using var rig = new ResponsesRig(server.BaseUrl);
        for (var count = 0; count <= Events.Length; count++)
        {
            // What the reply had when its connection was lost.
            var sink = new RecordingSink();
            await using (var lost = rig.Exchange(PiecesStream.Of(string.Concat(Events[..count])), isBackground: false))
            {
                if (count == Events.Length) await sink.ReadAll(lost);
                else await sink.ReadUntilBroken(lost);
            }
            await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle, ResponsesRig.Stop);
            await sink.ReadAll(exchange);
            Assert.Equal(("Hello 世界!", "Hm", FinishReason.Stop), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish));
            Assert.Empty(sink.Rewrites);
        }
        Assert.All(server.Requests, request => Assert.Equal(("GET", "/responses/resp_1", "?stream=true"), (request.Method, request.Path, request.Query)));
    }

    [Fact]
    public async Task Attach_WithoutAResponseId_HasAnUnknownOutcome()
    {
        using var rig = new ResponsesRig();
        var handle = rig.Handle with { Ids = new Dictionary<string, string> { ["id"] = "chatcmpl-1" } };
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await rig.Upstream.Attach(rig.Turn(), handle, ResponsesRig.Stop));
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
    }

    private static string[] CreateEvents()
    {
        var wire = new ResponseWire();
        return
        [
            wire.Created(), wire.Event("response.queued", $"\"response\":{ResponseWire.Response("queued")}"), wire.Thought("\"Hm\""),
            wire.Delta("\"Hello 世\"", 1), wire.Delta("\"界\"", 1), wire.Delta("\"!\"", 1), wire.Done("\"Hello 世界!\"", 1),
            wire.Completed("""{"type":"reasoning","summary":[{"text":"Hm"}]}""", ResponseWire.Message("\"Hello 世界!\"")),
        ];
    }

    private static void AssertWhole(RecordingSink sink)
    {
        Assert.Equal(("Hello 世界!", "Hm", FinishReason.Stop, 1), (sink.Answer, Assert.Single(sink.Reasoning), sink.Finish, sink.Ends));
        Assert.Equal(ResponsesRig.Id, sink.Ids["response_id"]);
        Assert.Empty(sink.Rewrites);
    }
}
