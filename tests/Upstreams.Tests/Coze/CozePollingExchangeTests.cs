using CozeCluster.TestKit;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozePollingExchangeTests
{
    private readonly ManualTime _time = new();
    private readonly Queue<Func<HttpContext, Task>> _polls = [];
    private readonly List<DateTimeOffset> _polledAt = [];
    private Func<HttpContext, Task> _list = context => WireServer.Write(context, """{"code":0,"data":[]}""");

    [Fact]
    public async Task Attach_CompletedChat_ReadsItInOrder()
    {
        OnPoll(Chat("completed", ""","usage":{"token_count":12,"output_count":5,"input_count":7}"""));
        OnList(
            Wire.Verbose("knowledge_recall", "{}", "k1"),
            Wire.MessageCompleted("function_call", """{"name":"f","arguments":{}}""", "f1"),
            Wire.MessageCompleted("answer", "One", "m1"),
            Wire.MessageCompleted("answer", "Two", "m2"),
            Wire.Verbose("generate_answer_finish", "", "v1"),
            Wire.MessageCompleted("follow_up", "And?", "u1"));

        var (sink, requests) = await Attach();

        Assert.Equal(["item:k1", "item:f1", "answer:m1", "answer:m2", "item:u1"], sink.Order);
        Assert.Equal(["One", "Two"], sink.Answers);
        Assert.Equal(new Usage(7, 5, 12), sink.Usage);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Equal(["GET /v3/chat/retrieve?conversation_id=c1&chat_id=h1", "GET /v3/chat/message/list?conversation_id=c1&chat_id=h1"], requests);
    }

    [Fact]
    public async Task Attach_AndStream_GiveTheSameParts()
    {
        const string Thinking =
            """{"id":"m1","chat_id":"h1","conversation_id":"c1","type":"answer","role":"assistant","content":"Yes 🚀","reasoning_content":"Let me think","""
            + """ "content_type":"text"}""";
        string[] rest =
        [
            Wire.MessageCompleted("answer", "Two", "m2"),
            Wire.MessageCompleted("answer", "{}", "c1", "card"),
            Wire.MessageCompleted("follow_up", "And?", "u1"),
        ];
        using var rig = new CozeRig();
        var live = await rig.Read(
            Wire.Created + Wire.Thought("Let me ") + Wire.Thought("think") + Wire.Delta("Yes ") + Wire.Delta("🚀")
            + Wire.Record("conversation.message.completed", Thinking) + Wire.Delta("Two", "m2") + string.Concat(rest) + Wire.Completed);

        OnPoll(Chat("completed"));
        OnList([Wire.Record("conversation.message.completed", Thinking), .. rest]);
        var (polled, _) = await Attach();

        Assert.Equal(live.Order, polled.Order);
        Assert.Equal(live.Answers, polled.Answers);
        Assert.Equal(live.Reasoning, polled.Reasoning);
        Assert.Equal(live.Items, polled.Items);
    }

    [Fact]
    public async Task Attach_RunningChat_IsPolledWithGrowingPauses()
    {
        for (var i = 0; i < 6; i++) OnPoll(Chat("in_progress"));
        OnPoll(Chat("completed"));
        OnList(Wire.MessageCompleted("answer", "Done"));

        var (sink, _) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal([1, 1.5, 2.25, 2.5, 2.5, 2.5], Gaps());
    }

    [Fact]
    public async Task Attach_FailedChat_FailsWithItsError()
    {
        OnPoll(Chat("failed", ""","last_error":{"code":4011,"msg":"no balance"}"""));

        var (sink, requests) = await Attach();

        Assert.Equal(ErrorCode.UpstreamQuotaExceeded, sink.Failure!.Code);
        Assert.Single(requests);
    }

    [Fact]
    public async Task Attach_CanceledChat_IsCancelled()
    {
        OnPoll(Chat("canceled"));

        Assert.Equal(ErrorCode.Cancelled, (await Attach()).Sink.Failure!.Code);
    }

    [Fact]
    public async Task Attach_ChatThatRequiresAction_ReturnsTheCalls()
    {
        OnPoll(Chat("requires_action", Calls("t1")));

        var (sink, _) = await Attach();

        Assert.Equal(new ToolCallItem("t1", "f", "{}", ForClient: true), Assert.Single(sink.Items));
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Theory]
    [InlineData(405)]
    [InlineData(404)]
    public async Task Attach_ServerWithoutGet_IsPolledWithPost(int status)
    {
        OnPoll(context => WireServer.Write(context, "no such route", "text/plain", status));
        OnPoll(Chat("in_progress"));
        OnPoll(Chat("completed"));
        OnList(Wire.MessageCompleted("answer", "Done"));

        var (sink, requests) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal(["GET", "POST", "POST", "POST"], requests.Select(request => request.Split(' ')[0]));
    }

    [Fact]
    public async Task Attach_TransientFailures_AreRetried()
    {
        OnPoll(context => WireServer.Write(context, "<html>", "text/html", 502));
        OnPoll(context => WireServer.Write(context, """{"code":5000,"msg":"oops"}"""));
        OnPoll(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        OnPoll(context =>
        {
            context.Response.Headers.RetryAfter = "20";
            return WireServer.Write(context, """{"code":4020,"msg":"rpm"}""", status: 429);
        });
        OnPoll(Chat("completed"));
        OnList(Wire.MessageCompleted("answer", "Done"));

        var (sink, _) = await Attach();

        Assert.Equal("Done", sink.Answer);
        Assert.Equal(20, Gaps()[^1]);
    }

    [Fact]
    public async Task Attach_PersistentFailure_IsReported()
    {
        for (var i = 0; i < 5; i++) OnPoll(context => WireServer.Write(context, "<html>", "text/html", 503));

        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);

        var reading = new RecordingSink().ReadUntilBroken(exchange);
        await _time.AdvanceUntil(reading);

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await reading).Code);
        Assert.Empty(_polls);
    }

    [Theory]
    [InlineData(200, """{"code":4001,"msg":"no chat"}""")]
    [InlineData(404, """{"code":4200,"msg":"not found"}""")]
    [InlineData(403, """{"code":4101,"msg":"no"}""")]
    [InlineData(400, """{"code":4000,"msg":"bad parameter"}""")]
    [InlineData(400, "<html>")]
    public async Task Attach_Refused_IsReportedAtOnce_AndNotAsAFaultOfTheClient(int status, string body)
    {
        OnPoll(context => WireServer.Write(context, body, status: status));
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);

        var error = await new RecordingSink().ReadUntilBroken(exchange);

        Assert.Equal((ErrorCode.UpstreamOutcomeUnknown, RecoveryAction.GiveUp), (error.Code, error.RecoveryAction));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Attach_ListNewestFirst_IsReversed()
    {
        static string At(string id, int at) => $$"""{"id":"{{id}}","type":"answer","role":"assistant","content":"{{id}}","created_at":{{at}}}""";
        OnPoll(Chat("completed"));
        _list = context => WireServer.Write(context, $$"""{"code":0,"data":[{{At("m3", 30)}},{{At("m2", 20)}},{{At("m1", 20)}}]}""");

        Assert.Equal(["m1", "m2", "m3"], (await Attach()).Sink.Answers);
    }

    [Fact]
    public async Task Attach_ListThatLagsBehind_IsReadAgain()
    {
        for (var i = 0; i < 3; i++) OnPoll(Chat("completed"));
        var lists = 0;
        _list = context => WireServer.Write(
            context, ++lists < 3 ? """{"code":0,"data":[]}""" : """{"code":0,"data":[{"id":"m1","role":"assistant","type":"answer","content":"At last"}]}""");

        Assert.Equal("At last", (await Attach()).Sink.Answer);
    }

    [Fact]
    public async Task Attach_ListWithOtherMessagesOnly_IsAcceptedAfterThreePolls()
    {
        for (var i = 0; i < 3; i++) OnPoll(Chat("completed"));
        OnList("data:{\"role\":\"assistant\",\"type\":\"follow_up\",\"content\":\"And?\"}");

        var (sink, _) = await Attach();

        Assert.Empty(sink.Answers);
        Assert.Equal(new FollowUpItem("follow_up-0", "And?"), Assert.Single(sink.Items));
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Attach_EmptyList_IsNoWholeReply()
    {
        for (var i = 0; i < 3; i++) OnPoll(Chat("completed"));

        var (sink, _) = await Attach();

        Assert.Null(sink.Finish);
        Assert.Equal(ErrorCode.UpstreamProtocol, sink.Failure!.Code);
    }

    [Theory]
    [InlineData("""{"code":0}""")]
    [InlineData("""{"code":0,"data":null}""")]
    [InlineData("""{"code":0,"data":{}}""")]
    public async Task Attach_AnswerWithoutAList_IsNoWholeReply(string list)
    {
        for (var i = 0; i < 5; i++) OnPoll(Chat("completed"));
        _list = context => WireServer.Write(context, list);
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);

        var reading = new RecordingSink().ReadUntilBroken(exchange);
        await _time.AdvanceUntil(reading);

        Assert.Equal(ErrorCode.UpstreamProtocol, (await reading).Code);
    }

    [Fact]
    public async Task Attach_ListWithoutTheAnswerThatHadBegun_IsNoWholeReply()
    {
        for (var i = 0; i < 3; i++) OnPoll(Chat("completed"));
        OnList(Wire.MessageCompleted("answer", "One", "m1"));
        var sink = new RecordingSink();
        sink.Append(sink.Open("m2", TextKind.Answer), "Tw");

        await Attach(sink: sink);

        Assert.Equal(ErrorCode.UpstreamProtocol, sink.Failure!.Code);
        Assert.Null(sink.Finish);
    }

    [Fact]
    public async Task Attach_ListThatLacksAnAnswerAtFirst_IsReadAgain()
    {
        for (var i = 0; i < 2; i++) OnPoll(Chat("completed"));
        var lists = 0;
        _list = context => WireServer.Write(
            context, $$"""{"code":0,"data":[{{Wire.Message("answer", "One", "m1")}}{{(++lists < 2 ? "" : "," + Wire.Message("answer", "Two", "m2"))}}]}""");
        var sink = new RecordingSink();
        sink.Append(sink.Open("m2", TextKind.Answer), "Tw");

        await Attach(sink: sink);

        Assert.Equal(["Two", "One"], sink.Answers);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Attach_QuestionInTheList_IsIgnored()
    {
        OnPoll(Chat("completed"));
        _list = context => WireServer.Write(
            context,
            """{"code":0,"data":[{"id":"q","role":"user","type":"question","content":"me"},"""
            + """{"id":"m1","role":"assistant","type":"answer","content":"bot"}]}""");

        var (sink, _) = await Attach();

        Assert.Equal(["answer:m1"], sink.Order);
    }

    [Theory]
    [InlineData("t2")]
    [InlineData(null)]
    public async Task Attach_AfterToolOutputs_SkipsEarlierMessages(string? firstMessage)
    {
        OnPoll(Chat("requires_action", Calls("call_1")));
        OnPoll(Chat("completed"));
        OnList(
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
    public async Task Attach_CancelledBetweenPolls_Stops()
    {
        OnPoll(Chat("in_progress"));
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);
        Assert.True(await exchange.WaitToRead(CozeRig.Stop));
        exchange.Read(new RecordingSink());
        using var cancellation = new CancellationTokenSource();

        var waiting = exchange.WaitToRead(cancellation.Token).AsTask();
        cancellation.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private static string Calls(string id) =>
        """, "required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":"""
        + $$$"""[{"id":"{{{id}}}","type":"function","function":{"name":"f","arguments":"{}"}}]}}""";

    private static Func<HttpContext, Task> Chat(string status, string otherMembers = "") => context =>
        WireServer.Write(context, $$"""{"code":0,"msg":"","data":{"id":"h1","conversation_id":"c1","bot_id":"b1","status":"{{status}}" {{otherMembers}} } }""");

    private void OnPoll(Func<HttpContext, Task> answer) => _polls.Enqueue(answer);

    // Lists the data of the events.
    private void OnList(params string[] records)
    {
        var messages = string.Join(',', records.Select(record => record.Trim()[(record.IndexOf("data:", StringComparison.Ordinal) + 5)..]));
        _list = context => WireServer.Write(context, $$"""{"code":0,"data":[{{messages}}]}""");
    }

    private double[] Gaps() => [.. _polledAt.Zip(_polledAt.Skip(1), (one, next) => (next - one).TotalSeconds)];

    private Task<WireServer> Start() => WireServer.Start((context, request) =>
    {
        if (request.Path.EndsWith("/list", StringComparison.Ordinal)) return _list(context);
        _polledAt.Add(_time.GetUtcNow());
        return _polls.Dequeue()(context);
    });

    private async Task<(RecordingSink Sink, IReadOnlyList<string> Requests)> Attach(
        UpstreamHandle? handle = null, RecordingSink? sink = null)
    {
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);
        sink ??= new RecordingSink();
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), handle ?? rig.Handle(), CozeRig.Stop);
        var reading = sink.ReadAll(exchange);
        await _time.AdvanceUntil(reading);
        await reading;
        Assert.Equal(1, sink.Ends);
        return (sink, [.. server.Requests.Select(request => $"{request.Method} {request.Path}{request.Query}")]);
    }
}
