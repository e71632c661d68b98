namespace CozeCluster.Upstreams.Tests.Coze;

/// <summary>How each of Coze's events changes the reply.</summary>
public sealed class CozeReplyTests : IDisposable
{
    private readonly CozeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Deltas_AreAppendedAndTheWholeTextIsSet()
    {
        var sink = await _rig.Read(Wire.Created + Wire.Delta("Hel") + Wire.Delta("lo") + Wire.MessageCompleted("answer", "Hello") + Wire.Completed + Wire.Done);

        Assert.Equal("Hello", sink.Answer);
        Assert.Equal(2, sink.Appends);
        Assert.Empty(sink.Rewrites);
        Assert.Equal(["m1"], sink.Closed);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Equal(1, sink.Ends);
    }

    [Fact]
    public async Task Created_ReportsTheIds()
    {
        var sink = await _rig.Read(Wire.Created + Wire.Delta("x") + Wire.MessageCompleted("answer", "x") + Wire.Completed);

        var handle = Assert.Single(sink.Handles);
        Assert.Equal(("bot", "acc", "coze"), (handle.BotId, handle.AccountId, handle.Upstream));
        Assert.Equal(
            new Dictionary<string, string> { ["conversation_id"] = "c1", ["chat_id"] = "h1", ["bot_id"] = "b1", ["logid"] = "log-1" }, handle.Ids);
    }

    [Fact]
    public async Task Delta_AsFirstEvent_ReportsTheIds()
    {
        var sink = await _rig.Read(Wire.Delta("x") + Wire.Completed);

        Assert.Equal(("c1", "h1"), (sink.Ids["conversation_id"], sink.Ids["chat_id"]));
    }

    [Fact]
    public async Task NumericIds_BecomeText()
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.chat.created", """{"id":735,"conversation_id":734,"status":"created"}""")
            + Wire.Record("conversation.message.delta", """{"id":1,"content":"a","type":"answer","role":"assistant"}""")
            + Wire.Record("conversation.message.delta", """{"id":1,"content":"b","type":"answer","role":"assistant"}""")
            + Wire.Completed.Replace("\"h1\"", "735").Replace("\"c1\"", "734"));

        Assert.Equal("ab", sink.Answer);
        Assert.Equal(["answer:1"], sink.Order);
        Assert.Equal(("734", "735"), (sink.Ids["conversation_id"], sink.Ids["chat_id"]));
    }

    [Fact]
    public async Task SeveralAnswers_AreSeveralParts()
    {
        var sink = await _rig.Read(
            Wire.Delta("one", "m1") + Wire.MessageCompleted("answer", "one", "m1") + Wire.Delta("tw", "m2") + Wire.Delta("o", "m2")
            + Wire.MessageCompleted("answer", "two", "m2") + Wire.Verbose("generate_answer_finish", "") + Wire.Completed);

        Assert.Equal(["one", "two"], sink.Answers);
        Assert.Equal(["m1", "m2"], sink.Closed);
        Assert.Empty(sink.Items);
    }

    [Fact]
    public async Task AlternatingAnswers_AreAppendedToTheirParts()
    {
        var sink = await _rig.Read(Wire.Delta("a", "m1") + Wire.Delta("x", "m2") + Wire.Delta("b", "m1") + Wire.Delta("y", "m2") + Wire.Completed);

        Assert.Equal(["ab", "xy"], sink.Answers);
    }

    [Fact]
    public async Task NoDeltas_TheCompletedMessageHasTheText()
    {
        var sink = await _rig.Read(Wire.MessageCompleted("answer", "Whole") + Wire.Completed);

        Assert.Equal("Whole", sink.Answer);
    }

    [Fact]
    public async Task CompletedText_DifferentFromItsDeltas_Rewrites()
    {
        var sink = await _rig.Read(Wire.Delta("Bad word") + Wire.MessageCompleted("answer", "*** word") + Wire.Completed);

        Assert.Equal("*** word", sink.Answer);
        Assert.Equal(["Bad word"], sink.Rewrites);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("null")]
    public async Task CompletedText_Empty_KeepsTheTextOfTheDeltas(string content)
    {
        var sink = await _rig.Read(
            Wire.Delta("Hello")
            + Wire.Record("conversation.message.completed", $$"""{"id":"m1","type":"answer","role":"assistant","content":{{content}}}""")
            + Wire.Completed);

        Assert.Equal("Hello", sink.Answer);
        Assert.Equal(["m1"], sink.Closed);
    }

    [Fact]
    public async Task Reasoning_IsAPartBeforeTheAnswer()
    {
        var completed = """{"id":"m1","type":"answer","role":"assistant","content":"Yes","reasoning_content":"Let me think","content_type":"text"}""";
        var live = await _rig.Read(
            Wire.Thought("Let me ") + Wire.Thought("think") + Wire.Delta("Yes") + Wire.Record("conversation.message.completed", completed) + Wire.Completed);
        var whole = await _rig.Read(Wire.Record("conversation.message.completed", completed) + Wire.Completed);

        foreach (var sink in new[] { live, whole })
        {
            Assert.Equal(["Let me think"], sink.Reasoning);
            Assert.Equal("Yes", sink.Answer);
            Assert.Equal(["reasoning:m1", "answer:m1"], sink.Order);
        }
    }

    [Fact]
    public async Task Deltas_WithoutAnId_AreOnePart()
    {
        var delta = Wire.Record("conversation.message.delta", """{"content":"x","type":"answer"}""");

        Assert.Equal("xxx", (await _rig.Read(delta + delta + delta + Wire.Completed)).Answer);
        // The completed message is the message of the deltas, and not another one.
        Assert.Equal("xx", (await _rig.Read(delta + delta + Wire.MessageCompleted("answer", "xx") + Wire.Completed)).Answer);
        var nameless = Wire.Record("conversation.message.completed", """{"content":"x","type":"answer"}""");
        Assert.Equal(["x", "x"], (await _rig.Read(delta + nameless + delta + nameless + Wire.Completed)).Answers);
    }

    [Fact]
    public async Task Delta_WithoutAType_IsAnAnswer() =>
        Assert.Equal("x", (await _rig.Read(Wire.Record("conversation.message.delta", """{"id":"m1","content":"x"}""") + Wire.Completed)).Answer);

    [Fact]
    public async Task Delta_OfAnythingElse_IsIgnored()
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.message.delta", Wire.Message("function_call", "{", "f1"))
            + Wire.Record("conversation.message.delta", Wire.Message("answer", "{", "k1", "card"))
            + Wire.Record("conversation.message.delta", """{"id":"u","role":"user","content":"me"}""") + Wire.Completed);

        Assert.Empty(sink.Order);
    }

    [Fact]
    public async Task HalvesOfASurrogatePair_InTwoDeltas_AreJoined()
    {
        static string Half(string escape) => Wire.Record("conversation.message.delta", $$"""{"id":"m1","type":"answer","content":"{{escape}}"}""");

        var sink = await _rig.Read(Half("go \\ud83d") + Half("\\ude80!") + Wire.Completed);

        Assert.Equal("go 🚀!", sink.Answer);
    }

    [Fact]
    public async Task HalfOfASurrogatePair_IsKept()
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.message.completed", """{"id":"m1","type":"answer","content":"a\ud83d"}""")
            + Wire.Record("conversation.message.completed", """{"id":"f1","type":"follow_up","content":"b\ud83d"}""") + Wire.Completed);

        Assert.Equal("a\ud83d", sink.Answer);
        Assert.Equal("b\ud83d", Assert.IsType<FollowUpItem>(Assert.Single(sink.Items)).Text);
    }

    [Fact]
    public async Task Items_OfEveryType_AreAdded()
    {
        var sink = await _rig.Read(
            Wire.Verbose("knowledge_recall", """{"chunks":[]}""", "k1")
            + Wire.MessageCompleted("knowledge", "recalled", "k2")
            + Wire.MessageCompleted("function_call", """{"name":"search","arguments":{"q":"x"},"plugin_id":"1"}""", "f1")
            + Wire.MessageCompleted("function_call", """{"name":"search","arguments":"{\"q\":\"y\"}"}""", "f2")
            + Wire.MessageCompleted("tool_response", "found", "t1")
            + Wire.MessageCompleted("tool_output", "found too", "t2")
            + Wire.MessageCompleted("answer", """{"card":1}""", "c1", "card")
            + Wire.Verbose("time_capsule_recall", "remembered", "v1")
            + Wire.MessageCompleted("verbose", "not json", "v2")
            + Wire.MessageCompleted("function_call", "not json", "f3")
            + Wire.MessageCompleted("something_new", "new", "n1")
            + Wire.Verbose("generate_answer_finish", "", "v3")
            + Wire.MessageCompleted("follow_up", "And then?", "u1")
            + Wire.MessageCompleted("follow_up", "", "u2")
            + Wire.Completed);

        Assert.Equal(
            [
                new KnowledgeItem("k1", """{"chunks":[]}"""),
                new KnowledgeItem("k2", "recalled"),
                new ToolCallItem("f1", "search", """{"q":"x"}""", ForClient: false),
                new ToolCallItem("f2", "search", """{"q":"y"}""", ForClient: false),
                new ToolOutputItem("t1", "found"),
                new ToolOutputItem("t2", "found too"),
                new CardItem("c1", """{"card":1}"""),
                new OtherItem("v1", "time_capsule_recall", "remembered"),
                new OtherItem("v2", "verbose", "not json"),
                new OtherItem("f3", "function_call", "not json"),
                new OtherItem("n1", "something_new", "new"),
                new FollowUpItem("u1", "And then?"),
            ],
            sink.Items);
    }

    [Fact]
    public async Task Items_WithoutIds_GetStableIds()
    {
        static string FollowUp(string text) => Wire.Record("conversation.message.completed", $$"""{"type":"follow_up","content":"{{text}}"}""");

        var sink = await _rig.Read(FollowUp("a") + FollowUp("b") + Wire.Completed);

        Assert.Equal([new FollowUpItem("follow_up-0", "a"), new FollowUpItem("follow_up-1", "b")], sink.Items);
    }

    [Fact]
    public async Task ObjectString_InAnAnswer_IsTextAndImages()
    {
        var sink = await _rig.Read(
            Wire.MessageCompleted(
                "answer", """[{"type":"text","text":"Look:"},{"type":"image","file_url":"https://x.test/a.png"}]""", "m1", "object_string") + Wire.Completed);

        Assert.Equal("Look:", sink.Answer);
        Assert.Equal(new ImageItem("m1-0", "https://x.test/a.png"), Assert.Single(sink.Items));
    }

    [Fact]
    public async Task ObjectString_ThatIsNotAnArray_IsText() => Assert.Equal(
        "{\"a\":1}", (await _rig.Read(Wire.MessageCompleted("answer", "{\"a\":1}", "m1", "object_string") + Wire.Completed)).Answer);

    [Fact]
    public async Task Answer_OfUnknownContentType_IsText()
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.message.delta", Wire.Message("answer", "*Hel", contentType: "markdown"))
            + Wire.MessageCompleted("answer", "*Hello*", contentType: "markdown")
            + Wire.Completed);

        Assert.Equal("*Hello*", sink.Answer);
        Assert.Empty(sink.Rewrites);
    }

    [Theory]
    [InlineData("""{"token_count":12,"output_count":5,"input_count":7}""", 7, 5, 12)]
    [InlineData("""{"token_count":12,"output_tokens":5,"input_tokens":7}""", 7, 5, 12)]
    [InlineData("""{"output_count":"5","input_count":"7"}""", 7, 5, 12)]
    [InlineData("""{"token_count":12}""", 12, 0, 12)]
    public async Task Usage_WithEitherSetOfNames_IsReported(string usage, long input, long output, long total)
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.chat.completed", $$"""{"id":"h1","conversation_id":"c1","status":"completed","usage":{{usage}}}"""));

        Assert.Equal(new Usage(input, output, total), sink.Usage);
    }

    [Fact]
    public async Task Usage_Missing_IsNotReported() =>
        Assert.Null((await _rig.Read(Wire.Record("conversation.chat.completed", """{"id":"h1","status":"completed","usage":null}"""))).Usage);

    [Fact]
    public async Task RequiresAction_PassesTheCallsToTheClient()
    {
        var sink = await _rig.Read(Wire.Record(
            "conversation.chat.requires_action",
            """{"id":"h1","conversation_id":"c1","status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":"""
            + """{"tool_calls":[{"id":"t1","type":"function","function":{"name":"find","arguments":"{\"a\":1}"}},"""
            + """{"id":2,"function":{"name":"ask","arguments":{"b":2}}},{"id":3,"type":"function","function":{"name":"now","arguments":""}},"""
            + """{"id":4,"type":"reply_message","function":null}]}}}""") + Wire.Done);

        Assert.Equal(
            [
                new ToolCallItem("t1", "find", """{"a":1}""", ForClient: true),
                new ToolCallItem("2", "ask", """{"b":2}""", ForClient: true),
                new ToolCallItem("3", "now", "{}", ForClient: true),
            ],
            sink.Items);
        Assert.Equal(FinishReason.ToolCalls, sink.Finish);
    }

    [Theory]
    [InlineData("answer")]
    [InlineData("question")]
    public async Task RequiresAction_OfTheUser_IsTheQuestionAndStop(string type)
    {
        var sink = await _rig.Read(
            Wire.Created + Wire.MessageCompleted(type, "Which city?") + Required("""{"id":"t1","type":"reply_message","function":null}"""));

        Assert.Equal("Which city?", sink.Answer);
        Assert.Empty(sink.Items);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Theory]
    [InlineData("""{"id":"t1","type":"reply_message","function":null}""", "submit_tool_outputs")]
    [InlineData("""{"id":"t1","type":"browse","function":{"name":"f","arguments":"{}"}}""", "submit_tool_outputs")]
    [InlineData("""{"id":"t1","type":"function","function":null}""", "submit_tool_outputs")]
    [InlineData("""{"type":"function","function":{"name":"f"}}""", "submit_tool_outputs")]
    [InlineData("", "submit_tool_outputs")]
    [InlineData("""{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}""", "pay_the_bill")]
    public async Task RequiresAction_ThatIsNotUnderstood_IsAnError(string call, string action)
    {
        var sink = await _rig.Read(Wire.Created + Required(call, action));

        Assert.Equal(ErrorCode.UpstreamProtocol, sink.Failure!.Code);
        Assert.Empty(sink.Items);
        Assert.Null(sink.Finish);
    }

    [Fact]
    public async Task Delta_AfterItsMessageIsCompleted_IsIgnored()
    {
        var sink = await _rig.Read(
            Wire.Created + Wire.Delta("Hel") + Wire.MessageCompleted("answer", "Hello") + Wire.Thought("late") + Wire.Delta("lo") + Wire.Completed);

        Assert.Equal("Hello", sink.Answer);
        Assert.Empty(sink.Reasoning);
    }

    [Fact]
    public async Task Card_AsTheOnlyAnswer_IsAlsoText()
    {
        const string Card = """{"header":{"title":"Weather"},"elements":[{"tag":"button","text":"More","url":"https://x.test/a"}]}""";

        var sink = await _rig.Read(Wire.MessageCompleted("answer", Card, "c1", "card") + Wire.Completed);

        Assert.Equal("Weather\n\n[More](https://x.test/a)", sink.Answer);
        Assert.Equal(new CardItem("c1", Card), Assert.Single(sink.Items));
    }

    [Fact]
    public async Task Card_BesideText_IsOnlyAnItem()
    {
        var sink = await _rig.Read(
            Wire.MessageCompleted("answer", """{"title":"x"}""", "c1", "card") + Wire.MessageCompleted("answer", "Hello") + Wire.Completed);

        Assert.Equal("Hello", sink.Answer);
    }

    [Theory]
    [InlineData("""{"id":"h1","status":"failed","last_error":{"code":4011,"msg":"no balance"}}""", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("""{"code":4011,"msg":"no balance"}""", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("""{"id":"h1","status":"failed","last_error":null}""", ErrorCode.UpstreamFailed)]
    public async Task Failed_InBothForms_FailsWithTheCode(string data, ErrorCode expected)
    {
        var sink = await _rig.Read(Wire.Delta("Hel") + Wire.Record("conversation.chat.failed", data) + Wire.Done);

        Assert.Equal(expected, sink.Failure!.Code);
        Assert.Null(sink.Finish);
        Assert.Equal(1, sink.Ends);
    }

    [Theory]
    [InlineData("conversation.chat.canceled")]
    [InlineData("conversation.chat.completed")]
    public async Task Canceled_IsAFailure(string name)
    {
        var sink = await _rig.Read(Wire.Record(name, """{"id":"h1","status":"canceled"}"""));

        Assert.Equal(ErrorCode.Cancelled, sink.Failure!.Code);
    }

    [Fact]
    public async Task Completed_WithAnOutdatedObject_CompletesTheReply()
    {
        var sink = await _rig.Read(Wire.Record("conversation.chat.completed", """{"id":"h1","status":"in_progress"}"""));

        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Theory]
    [InlineData("""{"code":4013,"msg":"model error"}""", ErrorCode.UpstreamFailed, "model error")]
    [InlineData("""{"code":"4010","msg":"too long"}""", ErrorCode.ContextLengthExceeded, "too long")]
    [InlineData("""{"error_code":5000,"error_message":"internal"}""", ErrorCode.UpstreamFailed, "internal")]
    [InlineData("\"just text\"", ErrorCode.UpstreamFailed, "just text")]
    public async Task Error_InTheStream_FailsTheReply(string data, ErrorCode expected, string message)
    {
        var sink = await _rig.Read(Wire.Delta("x") + Wire.Record("error", data));

        Assert.Equal(expected, sink.Failure!.Code);
        Assert.Contains(message, sink.Failure.Message);
    }

    [Fact]
    public async Task Refusal_InPlaceOfAStream_FailsTheReply()
    {
        var sink = await _rig.Read("""{"code":4008,"msg":"daily cap"}""");

        Assert.Equal(ErrorCode.UpstreamRateLimited, sink.Failure!.Code);
        Assert.Null(sink.Failure.Until);
    }

    [Fact]
    public async Task UnknownEvents_Audio_AndEventsAfterTheEnd_AreIgnored()
    {
        var sink = await _rig.Read(
            Wire.Record("conversation.message.thought", "not json") + Wire.Record("conversation.chat.sleeping", "{}") + Wire.Record("ping", "")
            + Wire.Record("conversation.audio.delta", Wire.Message("answer", "UklGR", "a1", "audio")) + Wire.Delta("x") + Wire.Completed
            + Wire.Record("conversation.audio.delta", Wire.Message("answer", "UklGR", "a1", "audio")) + Wire.Delta("late")
            + "event:error\ndata:{\"code\":1}\n\n" + Wire.Done);

        Assert.Equal("x", sink.Answer);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Equal(1, sink.Ends);
    }

    [Theory]
    [InlineData("event:done\ndata:\"[DONE]\"\n\n")]
    [InlineData("event:done\ndata:[DONE]\n\n")]
    [InlineData("event: done\ndata: {\"debug_url\":\"https://x.test\"}\n\n")]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("event:done\n\n")]
    public async Task Done_InEveryForm_CompletesAReplyWhoseAnswersAreFinished(string done)
    {
        var sink = await _rig.Read(Wire.Created + Wire.MessageCompleted("answer", "x") + Wire.Verbose("generate_answer_finish", "") + done);

        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Done_WithoutAnyIds_CompletesAReplyWithAnAnswer() => Assert.Equal(
        FinishReason.Stop,
        (await _rig.Read(Wire.Record("conversation.message.completed", """{"id":"m1","type":"answer","content":"x"}""") + Wire.Done)).Finish);

    private static string Required(string calls, string action = "submit_tool_outputs") => Wire.Record(
        "conversation.chat.requires_action",
        $$"""{"id":"h1","conversation_id":"c1","status":"requires_action","required_action":"""
        + $$"""{"type":"{{action}}","{{action}}":{"tool_calls":[{{calls}}] } } }""");
}
