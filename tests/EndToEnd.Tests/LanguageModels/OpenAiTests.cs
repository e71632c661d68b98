using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.OpenAi;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>A language model behind OpenAI's API, through the node.</summary>
public sealed class OpenAiTests(ModelNode models) : IClassFixture<ModelNode>
{
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool(
        "get_weather", "Finds the weather.", BinaryData.FromString("""{"type":"object","properties":{"query":{"type":"string"}}}"""));

    private static readonly ChatTool Time = ChatTool.CreateFunctionTool("get_time");

    [Theory]
    [InlineData("text=unicode chunks=60 chunk=3 seed=5 reasoning=10")]
    [InlineData("text=unicode chunks=60 chunk=3 seed=6 torn escape=ascii newline=crlf")]
    [InlineData("text=unicode chunks=60 chunk=3 seed=7 torn colon=space")]
    public async Task A_stream_has_the_exact_text_and_the_counters(string directives)
    {
        var request = models.NewRequest(directives);
        var reply = await request.StreamAsync();

        Assert.True(reply.IsDone);
        Assert.Equal(models.CompletionOf(request).Reply, reply.Text);
        var usage = reply.Chunks.Last().GetProperty("usage");
        Assert.True(usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32() > 0);
        Assert.Equal(directives.Contains("reasoning", StringComparison.Ordinal),
            usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task A_whole_reply_names_its_origin_and_the_settings_arrive()
    {
        var request = models.NewRequest("say=Hello").With(body =>
        {
            (body["temperature"], body["top_p"], body["seed"], body["max_completion_tokens"], body["stop"]) = (0.5, 0.25, 7, 99, "END");
            (body["reasoning_effort"], body["service_tier"], body["user"]) = ("low", "flex", "u1");
        });
        var reply = await request.CompleteAsync();

        Assert.Equal(("Hello", "openai"), (reply.Text, reply.Extension.GetProperty("origin").Text("upstream")));
        var sent = models.BodyOf(request);
        Assert.Equal(0.5, sent.GetProperty("temperature").GetDouble());
        Assert.Equal(0.25, sent.GetProperty("top_p").GetDouble());
        Assert.Equal(7, sent.GetProperty("seed").GetInt32());
        Assert.Equal(99, sent.GetProperty("max_tokens").GetInt32());
        Assert.Equal("END", sent.GetProperty("stop")[0].GetString());
        Assert.Equal(("low", "flex"), (sent.Text("reasoning_effort"), sent.Text("service_tier")));
        Assert.False(sent.TryGetProperty("user", out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tools_are_called_in_two_rounds(bool restarts)
    {
        // A node of its own: it is killed.
        await using var node = new ModelNode();
        await node.InitializeAsync();
        var request = node.NewRequest("requires_action=get_weather,get_time");
        var options = new ChatCompletionOptions { Tools = { Weather, Time } };
        List<OpenAI.Chat.ChatMessage> messages = [new UserChatMessage(request.Prompt)];
        var first = (await node.Chat().CompleteChatAsync(messages, options, TestTimeout.Token)).Value;
        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        Assert.Equal(["get_weather", "get_time"], first.ToolCalls.Select(call => call.FunctionName));
        if (restarts) await node.Node.CrashAsync();

        messages.Add(new AssistantChatMessage(first));
        messages.AddRange(first.ToolCalls.Select(call => new ToolChatMessage(call.Id, $"result of {call.FunctionName}")));
        var second = (await node.Chat().CompleteChatAsync(messages, options, TestTimeout.Token)).Value;
        Assert.Contains("result of get_weather; result of get_time", second.Content[0].Text, StringComparison.Ordinal);
        var sent = node.BodyOf(request).GetProperty("messages");
        // The upstream's own ids: the first reply was stored before its end was sent.
        var ids = sent[1].GetProperty("tool_calls").EnumerateArray().Select(call => call.Text("id")!).ToList();
        Assert.All(ids, id => Assert.StartsWith("call_sandbox", id, StringComparison.Ordinal));

        messages.Add(new AssistantChatMessage(second));
        messages.Add(new UserChatMessage("And again [[requires_action=get_time]]"));
        var third = (await node.Chat().CompleteChatAsync(messages, options, TestTimeout.Token)).Value;
        Assert.Equal("get_time", Assert.Single(third.ToolCalls).FunctionName);
    }

    [Fact]
    public async Task Streamed_parallel_calls_have_their_indices()
    {
        var request = models.NewRequest("requires_action=get_weather,get_time");
        var options = new ChatCompletionOptions { Tools = { Weather, Time } };
        var calls = new SortedDictionary<int, string>();
        await foreach (var update in models.Chat().CompleteChatStreamingAsync([new UserChatMessage(request.Prompt)], options, TestTimeout.Token))
        {
            foreach (var call in update.ToolCallUpdates) calls[call.Index] = call.FunctionName + call.FunctionArgumentsUpdate;
        }
        Assert.Equal(["""get_weather{"query":"sandbox"}""", """get_time{"query":"sandbox"}"""], calls.Values);
    }

    [Fact]
    public async Task A_named_conversation_sends_its_history_with_the_tool_calls()
    {
        var name = $"talk-{Guid.NewGuid():n}";
        var tools = JsonNode.Parse("""[{"type":"function","function":{"name":"get_time"}}]""")!;
        var first = models.NewRequest("requires_action=get_time").InConversation(name).With(body =>
        {
            body["tools"] = tools.DeepClone();
            body["messages"]!.AsArray().Insert(0, new JsonObject { ["role"] = "system", ["content"] = "Be brief." });
        });
        var call = (await first.CompleteAsync()).Message.GetProperty("tool_calls")[0].Text("id");
        // The client sends only the result.
        var second = models.NewRequest().InConversation(name).With(body =>
        {
            body["tools"] = tools.DeepClone();
            body["messages"] = new JsonArray(new JsonObject { ["role"] = "tool", ["tool_call_id"] = call, ["content"] = "noon" });
        });
        Assert.Contains("noon", (await second.CompleteAsync()).Text, StringComparison.Ordinal);
        var third = models.NewRequest("say=Bye").InConversation(name);
        await third.CompleteAsync();

        var sent = models.BodyOf(third).GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["system", "user", "assistant", "tool", "assistant", "user"], sent.Select(message => message.Text("role")));
        Assert.Equal(sent[2].GetProperty("tool_calls")[0].Text("id"), sent[3].Text("tool_call_id"));
    }

    [Theory]
    [InlineData(ModelNode.Thinking, true)]
    [InlineData(ModelNode.Thinking, false)]
    [InlineData(ModelNode.OpenAi, true)]
    public async Task Reasoning_before_a_call_goes_back_to_a_server_that_demands_it(string model, bool isKept)
    {
        var tools = JsonNode.Parse("""[{"type":"function","function":{"name":"get_time"}}]""")!;
        var first = models.NewRequest("requires_action=get_time reasoning=4 wants_reasoning", model).With(body => body["tools"] = tools.DeepClone());
        var message = JsonNode.Parse((await first.CompleteAsync()).Message.GetRawText())!.AsObject();
        var reasoning = (string)message["reasoning_content"]!;
        if (!isKept) message.Remove("reasoning_content");
        var second = models.NewRequest("", model).With(body =>
        {
            body["tools"] = tools.DeepClone();
            body["messages"] = new JsonArray(
                first.Body["messages"]![0]!.DeepClone(), message.DeepClone(),
                new JsonObject { ["role"] = "tool", ["tool_call_id"] = (string)message["tool_calls"]![0]!["id"]!, ["content"] = "noon" });
        });
        var reply = await second.CompleteAsync();

        if (model == ModelNode.OpenAi)
        {
            Assert.Contains("reasoning_content", reply.Error.Text("message"), StringComparison.Ordinal);
            return;
        }
        Assert.Contains("noon", reply.Text, StringComparison.Ordinal);
        Assert.Equal(reasoning, models.BodyOf(first).GetProperty("messages")[1].Text("reasoning_content"));
    }

    [Fact]
    public async Task A_named_conversation_sends_the_reasoning_before_its_calls()
    {
        var name = $"talk-{Guid.NewGuid():n}";
        var tools = JsonNode.Parse("""[{"type":"function","function":{"name":"get_time"}}]""")!;
        var first = models.NewRequest("requires_action=get_time reasoning=4 wants_reasoning", ModelNode.Thinking).InConversation(name)
            .With(body => body["tools"] = tools.DeepClone());
        var message = (await first.CompleteAsync()).Message;
        var second = models.NewRequest("", ModelNode.Thinking).InConversation(name).With(body => body["messages"] = new JsonArray(
            new JsonObject { ["role"] = "tool", ["tool_call_id"] = message.GetProperty("tool_calls")[0].Text("id"), ["content"] = "noon" }));

        Assert.Contains("noon", (await second.CompleteAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(message.Text("reasoning_content"), models.BodyOf(first).GetProperty("messages")[1].Text("reasoning_content"));
    }

    [Theory]
    [InlineData("whole reasoning=3")]
    [InlineData("hold reasoning=3")]
    public async Task A_server_that_does_not_stream_or_does_not_end_its_stream_has_a_reply(string directives)
    {
        var request = models.NewRequest($"say=Hello {directives}");
        var reply = await request.StreamAsync();
        Assert.Equal(("Hello", true), (reply.Text, reply.IsDone));
        Assert.Equal("stop", reply.Chunks.Select(chunk => chunk.GetProperty("choices")).Where(choices => choices.GetArrayLength() > 0)
            .Last()[0].Text("finish_reason"));
    }

    [Fact]
    public async Task A_result_without_its_call_is_refused()
    {
        var request = models.NewRequest().InConversation($"talk-{Guid.NewGuid():n}").With(body =>
            body["messages"] = new JsonArray(new JsonObject { ["role"] = "tool", ["tool_call_id"] = "call_1", ["content"] = "noon" }));
        var reply = await request.CompleteAsync();
        Assert.Equal((400, "messages"), (reply.Status, reply.Error.Text("param")));
    }

    [Fact]
    public async Task Structured_output_follows_its_format()
    {
        var request = models.NewRequest().With(body => body["response_format"] = JsonNode.Parse(
            """{"type":"json_schema","json_schema":{"name":"reply","strict":true,"schema":{"type":"object","properties":{"answer":{"type":"string"}}}}}"""));
        var reply = await request.CompleteAsync();

        Assert.Contains(request.Prompt, JsonDocument.Parse(reply.Text!).RootElement.Text("answer"), StringComparison.Ordinal);
        Assert.Equal("json_schema", models.BodyOf(request).GetProperty("response_format").Text("type"));
    }

    [Fact]
    public async Task Images_and_files_are_sent_as_data()
    {
        var request = models.NewRequest();
        request.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            JsonNode.Parse("""{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}"""),
            JsonNode.Parse("""{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}"""),
            JsonNode.Parse("""{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,aGVsbG8="}}"""));
        Assert.Equal(200, (await request.CompleteAsync()).Status);

        var parts = models.BodyOf(request).GetProperty("messages")[0].GetProperty("content");
        Assert.StartsWith("data:image/png;base64,iVBORw0KGgo", parts[1].GetProperty("image_url").Text("url"), StringComparison.Ordinal);
        Assert.Equal("https://example.com/a.png", parts[2].GetProperty("image_url").Text("url"));
        var file = parts[3].GetProperty("file");
        Assert.Equal(("a.txt", "data:text/plain;base64,aGVsbG8="), (file.Text("filename"), file.Text("file_data")));
    }

    [Fact]
    public async Task An_abort_reaches_the_upstream()
    {
        var request = models.NewRequest("chunks=2000 chunk=2 pace=20ms");
        await using (var open = await request.OpenStreamAsync()) await open.ReadUntilAsync(reply => reply.Text.Length > 4, TestTimeout.Token);
        await models.Fake.WaitForAsync(() => models.CompletionOf(request).ClientGone, TestTimeout.Token);
        Assert.InRange(models.CompletionOf(request).DeltasSent, 1, 1999);
    }

    [Theory]
    [InlineData("early_error=400", 400, "context_length_exceeded")]
    [InlineData("early_error=422", 400, "content_filter")]
    [InlineData("disconnect_after=0", 503, "upstream_unavailable")]
    [InlineData("error=500", 502, "upstream_error")]
    [InlineData("http=502", 502, "upstream_error")]
    public async Task A_fault_before_the_text_is_an_error_with_a_status(string directives, int status, string code)
    {
        // A node of its own: faults open the breaker of the bot.
        await using var node = new ModelNode();
        await node.InitializeAsync();
        var reply = await node.NewRequest(directives).StreamErrorAsync();
        Assert.Equal((status, code), (reply.Status, reply.Error.Text("code")));
    }

    [Theory]
    [InlineData("poor", 429, "insufficient_quota")]
    [InlineData("unknown", 502, "upstream_not_found")]
    [InlineData("down", 503, "upstream_unavailable")]
    public async Task A_fault_of_the_account_or_the_server_says_so(string model, int status, string code)
    {
        var reply = await models.NewRequest(model: model).CompleteAsync();
        Assert.Equal((status, code), (reply.Status, reply.Error.Text("code")));
        Assert.DoesNotContain(FakeOpenAi.TokenWithoutCredit, reply.Json.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("disconnect_after=3 chunks=9", "upstream_unavailable")]
    [InlineData("error=500 error_after=3 chunks=9", "upstream_error")]
    public async Task A_fault_after_the_text_never_looks_like_an_end(string directives, string code)
    {
        await using var node = new ModelNode();
        await node.InitializeAsync();
        var reply = await node.NewRequest(directives).StreamAsync();

        Assert.NotEmpty(reply.Text);
        Assert.False(reply.IsDone);
        Assert.Equal(code, reply.Error.Text("code"));
    }

    [Theory]
    [InlineData("finish=length", "length")]
    [InlineData("finish=filter", "content_filter")]
    public async Task The_reason_of_the_end_is_kept(string directives, string reason)
    {
        var reply = await models.NewRequest(directives).CompleteAsync();
        Assert.Equal(reason, reply.Json.GetProperty("choices")[0].Text("finish_reason"));
    }

    [Fact]
    public async Task No_token_is_in_the_log_or_in_the_data()
    {
        await models.NewRequest().CompleteAsync();
        await models.NewRequest(model: "poor").CompleteAsync();
        Assert.DoesNotContain(FakeOpenAi.Token, models.Node.Node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(FakeOpenAi.TokenWithoutCredit, models.Node.Node.Output, StringComparison.Ordinal);
    }
}
