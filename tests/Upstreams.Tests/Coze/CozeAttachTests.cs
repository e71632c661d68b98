using CozeCluster.TestKit;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeAttachTests
{
    private readonly ManualTime _time = new();
    private readonly Queue<Func<HttpContext, Task>> _looks = [];
    private readonly List<DateTimeOffset> _lookedAt = [];
    private Func<HttpContext, Task> _list = context => WireServer.Write(context, """{"code":0,"data":[]}""");

    [Fact]
    public async Task Attach_CompletedChat_ReplaysItInOrder()
    {
        Look(Chat("completed", ""","usage":{"token_count":12,"output_count":5,"input_count":7}"""));
        List(
            Wire.Verbose("knowledge_recall", "{}", "k1"), Wire.MessageCompleted("function_call", """{"name":"f","arguments":{}}""", "f1"),
            Wire.MessageCompleted("answer", "One", "m1"), Wire.MessageCompleted("answer", "Two", "m2"),
            Wire.Verbose("generate_answer_finish", "", "v1"), Wire.MessageCompleted("follow_up", "And?", "u1"));

        var (sink, server) = await Attach();

        Assert.Equal(["item:k1", "item:f1", "answer:m1", "answer:m2", "item:u1"], sink.Order);
        Assert.Equal(["One", "Two"], sink.Answers);
        Assert.Equal(new Usage(7, 5, 12), sink.Usage);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Equal(["GET /v3/chat/retrieve?conversation_id=c1&chat_id=h1", "GET /v3/chat/message/list?conversation_id=c1&chat_id=h1"], server);
    }

    [Fact]
    public async Task Attach_ReplayAndStream_GiveTheSameParts()
    {
        var thinking = """{"id":"m1","chat_id":"h1","conversation_id":"c1","type":"answer","role":"assistant","content":"Yes 🚀","reasoning_content":"Let me think","content_type":"text"}""";
        var rest = new[] { Wire.MessageCompleted("answer", "Two", "m2"), Wire.MessageCompleted("answer", "{}", "c1", "card"), Wire.MessageCompleted("follow_up", "And?", "u1") };
        using var rig = new CozeRig();
        var live = await rig.Read(
            Wire.Created + Wire.Thought("Let me ") + Wire.Thought("think") + Wire.Delta("Yes ") + Wire.Delta("🚀") + Wire.Record("conversation.message.completed", thinking)
            + Wire.Delta("Two", "m2") + string.Concat(rest) + Wire.Completed);

        Look(Chat("completed"));
        List([Wire.Record("conversation.message.completed", thinking), .. rest]);
        var (replayed, _) = await Attach();

        Assert.Equal(live.Order, replayed.Order);
        Assert.Equal(live.Answers, replayed.Answers);
        Assert.Equal(live.Reasoning, replayed.Reasoning);
        Assert.Equal(live.Items, replayed.Items);
    }

    [Fact]
    public async Task Attach_RunningChat_LooksAgainAtAPolitePace()
    {
        for (var i = 0; i < 6; i++) Look(Chat("in_progress"));
        Look(Chat("completed"));
        List(Wire.MessageCompleted("answer", "Done"));

        var (sink, _) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal([1, 1.5, 2.25, 2.5, 2.5, 2.5], Gaps());
    }

    [Fact]
    public async Task Attach_FailedChat_FailsWithItsError()
    {
        Look(Chat("failed", ""","last_error":{"code":4011,"msg":"no balance"}"""));

        var (sink, server) = await Attach();

        Assert.Equal(ErrorCode.UpstreamQuotaExceeded, sink.Failure!.Code);
        Assert.Single(server);
    }

    [Fact]
    public async Task Attach_CanceledChat_IsCancelled()
    {
        Look(Chat("canceled"));

        Assert.Equal(ErrorCode.Cancelled, (await Attach()).Sink.Failure!.Code);
    }

    [Fact]
    public async Task Attach_ChatThatRequiresAction_GivesTheCalls()
    {
        Look(Chat("requires_action", Calls("t1")));

        var (sink, _) = await Attach();

        Assert.Equal(new ToolCallItem("t1", "f", "{}", ForClient: true), Assert.Single(sink.Items));
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Theory]
    [InlineData(200, """{"code":4001,"msg":"no chat"}""")]
    [InlineData(404, """{"code":4200,"msg":"gone"}""")]
    public async Task Attach_UnknownChat_FailsAsNotFound(int status, string body)
    {
        Look(context => WireServer.Write(context, body, status: status));

        var (sink, server) = await Attach();

        Assert.Equal(ErrorCode.UpstreamNotFound, sink.Failure!.Code);
        Assert.Single(server);
    }

    [Theory]
    [InlineData(405)]
    [InlineData(404)]
    public async Task Attach_ServerThatReadsByPost_IsAskedSo(int status)
    {
        Look(context => WireServer.Write(context, "no such route", "text/plain", status));
        Look(Chat("in_progress"));
        Look(Chat("completed"));
        List(Wire.MessageCompleted("answer", "Done"));

        var (sink, server) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal(["GET", "POST", "POST", "POST"], server.Select(asked => asked.Split(' ')[0]));
    }

    [Fact]
    public async Task Attach_PassingTrouble_IsWaitedOut()
    {
        Look(context => WireServer.Write(context, "<html>", "text/html", 502));
        Look(context => WireServer.Write(context, """{"code":5000,"msg":"oops"}"""));
        Look(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Look(context =>
        {
            context.Response.Headers.RetryAfter = "20";
            return WireServer.Write(context, """{"code":4020,"msg":"rpm"}""", status: 429);
        });
        Look(Chat("completed"));
        List(Wire.MessageCompleted("answer", "Done"));

        var (sink, _) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal(20, Gaps()[^1]);
    }

    [Fact]
    public async Task Attach_TroubleThatStays_IsTold()
    {
        for (var i = 0; i < 5; i++) Look(context => WireServer.Write(context, "<html>", "text/html", 503));

        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);

        var reading = new RecordingSink().ReadUntilBroken(exchange);
        await _time.AdvanceUntil(reading);

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await reading).Code);
        Assert.Empty(_looks);
    }

    [Fact]
    public async Task Attach_Refused_IsToldAtOnce()
    {
        Look(context => WireServer.Write(context, """{"code":4101,"msg":"no"}""", status: 403));
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);

        Assert.Equal(ErrorCode.UpstreamForbidden, (await new RecordingSink().ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Attach_ListNewestFirst_IsTurnedRound()
    {
        static string At(string id, int at) => $$"""{"id":"{{id}}","type":"answer","role":"assistant","content":"{{id}}","created_at":{{at}}}""";
        Look(Chat("completed"));
        _list = context => WireServer.Write(context, $$"""{"code":0,"data":[{{At("m3", 30)}},{{At("m2", 20)}},{{At("m1", 20)}}]}""");

        Assert.Equal(["m1", "m2", "m3"], (await Attach()).Sink.Answers);
    }

    [Fact]
    public async Task Attach_ListThatLagsBehind_IsReadAgain()
    {
        for (var i = 0; i < 3; i++) Look(Chat("completed"));
        var lists = 0;
        _list = context => WireServer.Write(
            context, ++lists < 3 ? """{"code":0,"data":[]}""" : """{"code":0,"data":[{"id":"m1","role":"assistant","type":"answer","content":"At last"}]}""");

        Assert.Equal("At last", (await Attach()).Sink.Answer);
    }

    [Fact]
    public async Task Attach_ListThatStaysWithoutAnAnswer_IsBelieved()
    {
        for (var i = 0; i < 3; i++) Look(Chat("completed"));

        var (sink, _) = await Attach();

        Assert.Empty(sink.Answers);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Attach_QuestionInTheList_IsNotTheBots()
    {
        Look(Chat("completed"));
        _list = context => WireServer.Write(context, """{"code":0,"data":[{"id":"q","role":"user","type":"question","content":"me"},{"id":"m1","role":"assistant","type":"answer","content":"bot"}]}""");

        var (sink, _) = await Attach();

        Assert.Equal(["answer:m1"], sink.Order);
    }

    [Theory]
    [InlineData("t2")]
    [InlineData(null)]
    public async Task Attach_AfterToolOutputs_BeginsBehindThem(string? firstMessage)
    {
        Look(Chat("requires_action", Calls("call_1")));
        Look(Chat("completed"));
        List(
            Wire.MessageCompleted("answer", "Before", "m1"), Wire.MessageCompleted("function_call", """{"name":"f"}""", "f1"),
            Wire.MessageCompleted("tool_response", "20°", "t2"), Wire.MessageCompleted("answer", "After", "m2"));
        var ids = new Dictionary<string, string> { ["conversation_id"] = "c1", ["chat_id"] = "h1", ["submitted_tool_calls"] = "call_1" };
        if (firstMessage is not null) ids["first_message_id"] = firstMessage;

        var (sink, _) = await Attach(new UpstreamHandle("bot", "acc", "coze", ids));

        Assert.Equal(["item:t2", "answer:m2"], sink.Order);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Attach_WithoutIds_IsNotFound()
    {
        using var rig = new CozeRig();

        var error = await Assert.ThrowsAsync<ClusterException>(async () =>
            await rig.Upstream.Attach(rig.Turn(), new UpstreamHandle("bot", "acc", "coze", new Dictionary<string, string>()), CozeRig.Stop));

        Assert.Equal(ErrorCode.UpstreamNotFound, error.Code);
    }

    [Fact]
    public async Task Attach_TokenCancelledBetweenLooks_Stops()
    {
        Look(Chat("in_progress"));
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);
        Assert.True(await exchange.WaitToRead(CozeRig.Stop));
        exchange.Read(new RecordingSink());
        using var giveUp = new CancellationTokenSource();

        var waiting = exchange.WaitToRead(giveUp.Token).AsTask();
        giveUp.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private static string Calls(string id) =>
        """, "required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"ID","type":"function","function":{"name":"f","arguments":"{}"}}]}}"""
            .Replace("ID", id);

    private static Func<HttpContext, Task> Chat(string status, string more = "") => context =>
        WireServer.Write(context, $$"""{"code":0,"msg":"","data":{"id":"h1","conversation_id":"c1","bot_id":"b1","status":"{{status}}" {{more}} } }""");

    private void Look(Func<HttpContext, Task> answer) => _looks.Enqueue(answer);

    // Messages as the stream would tell them, without what makes them events.
    private void List(params string[] records) => _list = context => WireServer.Write(
        context, $$"""{"code":0,"data":[{{string.Join(',', records.Select(record => record.Trim()[(record.IndexOf("data:", StringComparison.Ordinal) + 5)..]))}}]}""");

    private double[] Gaps() => [.. _lookedAt.Zip(_lookedAt.Skip(1), (one, next) => (next - one).TotalSeconds)];

    private Task<WireServer> Start() => WireServer.Start((context, asked) =>
    {
        if (asked.Path.EndsWith("/list", StringComparison.Ordinal)) return _list(context);
        _lookedAt.Add(_time.GetUtcNow());
        return _looks.Dequeue()(context);
    });

    private async Task<(RecordingSink Sink, IReadOnlyList<string> Server)> Attach(UpstreamHandle? handle = null)
    {
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), handle ?? rig.Handle(), CozeRig.Stop);
        var reading = sink.ReadAll(exchange);
        await _time.AdvanceUntil(reading);
        await reading;
        Assert.Equal(1, sink.Ends);
        return (sink, [.. server.Requests.Select(asked => $"{asked.Method} {asked.Path}{asked.Query}")]);
    }
}
