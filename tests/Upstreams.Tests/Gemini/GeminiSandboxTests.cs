using System.Text.Json.Nodes;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Upstreams.Gemini;

namespace CozeCluster.Upstreams.Tests.Gemini;

/// <summary>Tests the upstream with the sandbox's fake Gemini, which checks requests as strictly as Google.</summary>
public sealed class GeminiSandboxTests : IAsyncLifetime
{
    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    private static readonly GenerationSettings Weather = new()
    {
        Tools =
        [
            new ToolDefinition(
                "weather", null,
                """{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"additionalProperties":false}""", true),
            new ToolDefinition("time", "Tells the time", null, null),
        ],
    };

    private SandboxServer _sandbox = null!;
    private GeminiRig _rig = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), GeminiRig.Stop);
        _rig = new GeminiRig(new Uri(_sandbox.BaseUrl, "gemini").ToString());
    }

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _sandbox.DisposeAsync();
    }

    private GeminiCall Call => _sandbox.Gemini.Calls[^1];

    [Theory]
    [InlineData("gemini-2.0-flash", "Hello")]
    [InlineData("gemini-2.5-flash", "[[text=unicode chunks=200 chunk=3 reasoning=5]]")]
    [InlineData("gemini-3-pro", "[[text=unicode chunks=50 chunk=1 escape=ascii torn]]")]
    [InlineData("models/gemini-2.5-pro", "[[text=unicode chunks=50 newline=lf]]")]
    public async Task AnyReply_IsExact(string model, string prompt)
    {
        _rig.UseModel(model);
        var sink = await _rig.Run(_rig.Turn(prompt));

        Assert.Equal(Call.Answer, sink.Answer);
        Assert.Equal(prompt.Contains("reasoning"), sink.Reasoning.Any());
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.NotNull(sink.Usage);
        Assert.NotEmpty(sink.Ids["response_id"]);
    }

    [Theory]
    [InlineData("gemini-2.5-flash", "call_ids")]
    [InlineData("gemini-3-pro", "call_ids")]
    [InlineData("gemini-3-pro", "")]
    [InlineData("gemini-3-pro", "signature=3000")]
    public async Task Tools_InTwoRounds_CarryTheSignatureBack(string model, string more)
    {
        _rig.UseModel(model);
        var question = CozeRig.User($"Weather? [[tool=weather,time {more}]]");
        var asked = await _rig.Run(_rig.Turn(question) with { Settings = Weather });

        Assert.Equal(FinishReason.ToolCalls, asked.Finish);
        var calls = asked.Items.Cast<ToolCallItem>().ToList();
        Assert.Equal(["weather", "time"], calls.Select(call => call.Name));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"city":"sandbox","days":1}"""), JsonNode.Parse(calls[0].Arguments)));
        Assert.All(calls, call => Assert.True(call.ForClient && call.Id.Length <= 256));

        var answered = await _rig.Run(_rig.Turn(
            question,
            new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [.. calls.Select(call => new ToolCall(call.Id, call.Name, call.Arguments))] },
            new ChatMessage(ChatRole.Tool, [new TextContent("noon")]) { ToolCallId = calls[1].Id },
            new ChatMessage(ChatRole.Tool, [new TextContent("""{"degrees":20}""")]) { ToolCallId = calls[0].Id }) with { Settings = Weather });

        Assert.Equal(FinishReason.Stop, answered.Finish);
        Assert.Contains("""{"degrees":20}; {"result":"noon"}""", answered.Answer);
        var signature = (string)Call.Request["contents"]![1]!["parts"]![0]!["thoughtSignature"]!;
        Assert.NotEqual("skip_thought_signature_validator", signature);
    }

    [Fact]
    public async Task CallsOfAnotherUpstream_AreAccepted()
    {
        _rig.UseModel("gemini-3-pro");
        var sink = await _rig.Run(_rig.Turn(
            CozeRig.User("Weather?"),
            new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("call_1", "weather", "")] },
            new ChatMessage(ChatRole.Tool, [new TextContent("20°")]) { ToolCallId = "call_1" },
            CozeRig.User("And tomorrow?")));

        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task ToolCallWithoutAResult_IsRefusedByName()
    {
        var error = await _rig.OpenThrows(_rig.Turn(
            CozeRig.User("Weather?"), new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("call_1", "weather", "{}")] }, CozeRig.User("So?")));

        Assert.Equal((ErrorCode.InvalidRequest, "messages[1].tool_calls[0]"), (error.Code, error.Param));
    }

    [Theory]
    [InlineData(ToolChoiceMode.Required, "weather")]
    [InlineData(ToolChoiceMode.Named, "time")]
    [InlineData(ToolChoiceMode.None, null)]
    public async Task ToolChoice_IsTranslated(ToolChoiceMode mode, string? expected)
    {
        var choice = new ToolChoice(mode, mode == ToolChoiceMode.Named ? "time" : null);
        var sink = await _rig.Run(_rig.Turn("[[tool=weather]]") with { Settings = Weather with { ToolChoice = choice } });

        Assert.Equal(expected, sink.Items.Cast<ToolCallItem>().SingleOrDefault()?.Name);
    }

    [Fact]
    public async Task StructuredOutput_FollowsTheSchema()
    {
        var format = new OutputFormat("""{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}""", "x", true);
        var sink = await _rig.Run(_rig.Turn("Is it?") with { Settings = new GenerationSettings { Format = format } });

        Assert.Equal("""{"ok":true}""", sink.Answer);
    }

    [Theory]
    [InlineData("gemini-2.0-flash")]
    [InlineData("gemini-2.5-flash")]
    [InlineData("gemini-3-pro")]
    public async Task StructuredOutputWithTools_IsAnAnswerOrACall(string model)
    {
        _rig.UseModel(model);
        var format = new OutputFormat("""{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}""", "x", true);
        var settings = Weather with { Format = format };
        // The fake calls the tools that the directives name. Without such a directive, it answers.
        var answer = model == "gemini-3-pro" ? "Is it?" : "Is it? [[tool=json_answer args={\"ok\":true}]]";
        var answered = await _rig.Run(_rig.Turn(answer) with { Settings = settings });
        Assert.Equal(("""{"ok":true}""", FinishReason.Stop), (answered.Answer, answered.Finish));
        Assert.Empty(answered.Items);

        var called = await _rig.Run(_rig.Turn("Weather? [[tool=weather]]") with { Settings = settings });
        Assert.Equal(("weather", FinishReason.ToolCalls), (Assert.IsType<ToolCallItem>(Assert.Single(called.Items)).Name, called.Finish));

        foreach (var mode in new[] { ToolChoiceMode.None, ToolChoiceMode.Required })
            Assert.Null((await _rig.Run(_rig.Turn("Is it?") with { Settings = settings with { ToolChoice = new ToolChoice(mode) } })).Failure);
        Assert.Equal("application/json", (string?)_sandbox.Gemini.Calls[^2].Request["generationConfig"]!["responseMimeType"]);
    }

    [Fact]
    public async Task ResultsOfCallsWithTheSameId_StayInTheirOrder()
    {
        await _rig.Run(_rig.Turn(
            CozeRig.User("Both?"),
            new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("x", "weather", "{}"), new ToolCall("x", "time", "{}")] },
            new ChatMessage(ChatRole.Tool, [new TextContent("one")]) { ToolCallId = "x" },
            new ChatMessage(ChatRole.Tool, [new TextContent("two")]) { ToolCallId = "x" }) with { Settings = Weather });

        var results = Call.Request["contents"]![2]!["parts"]!.AsArray().Select(part => part!["functionResponse"]!);
        Assert.Equal(["weather=one", "time=two"], results.Select(result => $"{result["name"]}={result["response"]!["result"]}"));
    }

    [Theory]
    [InlineData("gemini-2.0-flash", null, null)]
    [InlineData("gemini-2.5-flash", null, """{"includeThoughts":true}""")]
    [InlineData("gemini-2.5-flash", "none", """{"includeThoughts":false,"thinkingBudget":0}""")]
    [InlineData("gemini-2.5-pro", "none", """{"includeThoughts":true,"thinkingBudget":128}""")]
    [InlineData("gemini-2.5-flash", "high", """{"includeThoughts":true,"thinkingBudget":24576}""")]
    [InlineData("gemini-2.5-flash", "max", """{"includeThoughts":true,"thinkingBudget":24576}""")]
    [InlineData("gemini-3-pro", "minimal", """{"includeThoughts":true,"thinkingLevel":"LOW"}""")]
    [InlineData("gemini-2.0-flash", "high", null)]
    public async Task Settings_AreTranslatedForTheModel(string model, string? effort, string? thinking)
    {
        _rig.UseModel(model);
        _rig.Bot = _rig.Bot with { Options = new Dictionary<string, string> { ["safety"] = "block_none", ["safety.harassment"] = "off", ["top_k"] = "40" } };
        await _rig.Run(_rig.Turn(CozeRig.System("Be brief."), CozeRig.User("Hi"), CozeRig.System("In French.")) with
        {
            Settings = new GenerationSettings
            {
                Temperature = 1.5, TopP = 0.5, Seed = long.MaxValue, PresencePenalty = 1, FrequencyPenalty = -1, MaxOutputTokens = 900, Stop = ["END", ""],
                ReasoningEffort = effort,
            },
        });

        var config = Call.Request["generationConfig"]!;
        Assert.Equal(thinking, config["thinkingConfig"]?.ToJsonString());
        Assert.Equal(("""["END"]""", 900, 40), (config["stopSequences"]!.ToJsonString(), (int)config["maxOutputTokens"]!, (int)config["topK"]!));
        Assert.Equal(model == "gemini-3-pro", config["presencePenalty"] is null);
        Assert.Equal("Be brief.\n\nIn French.", (string?)Call.Request["systemInstruction"]!["parts"]![0]!["text"]);
        Assert.Equal(["OFF", "BLOCK_NONE", "BLOCK_NONE", "BLOCK_NONE"], Call.Request["safetySettings"]!.AsArray().Select(one => (string)one!["threshold"]!));
    }

    [Fact]
    public async Task Files_AreSentInline_WithTheTypeOfTheirBytes()
    {
        _rig.Fetcher.Files["https://x.test/a"] = new FetchedFile("image/gif", Png);
        var blob = await _rig.Blobs.Put("t", "a.jpg", "image/jpeg", Png, GeminiRig.Stop);
        var code = await _rig.Blobs.Put("t", "a.json", "application/json", "{}"u8.ToArray(), GeminiRig.Stop);
        await _rig.Run(_rig.Turn(CozeRig.User(
            new ImageContent(new MediaSource("https://x.test/a", null)), new ImageContent(new MediaSource(null, blob)),
            new FileContent(new MediaSource(null, code)))));

        var parts = Call.Request["contents"]![0]!["parts"]!.AsArray();
        Assert.Equal(["image/png", "image/png", "text/plain"], parts.Take(3).Select(part => (string)part!["inlineData"]!["mimeType"]!));
        Assert.Equal(Png, Convert.FromBase64String((string)parts[0]!["inlineData"]!["data"]!));
    }

    [Fact]
    public async Task FileThatCannotBeFetched_IsTheClientsFault()
    {
        var error = await _rig.OpenThrows(_rig.Turn(CozeRig.User(new ImageContent(new MediaSource("http://10.0.0.1/", null)))));

        Assert.Equal((ErrorCode.FileRejected, "messages[0].content[0]"), (error.Code, error.Param));
        Assert.Equal("A file of the prompt could not be fetched: Its address is not a public one.", error.Message);
    }

    [Theory]
    [InlineData("early_error=400 reason=API_KEY_INVALID", ErrorCode.UpstreamUnauthorized, false)]
    [InlineData("early_error=400", ErrorCode.UpstreamInvalidRequest, false)]
    [InlineData("early_error=403", ErrorCode.UpstreamForbidden, false)]
    [InlineData("early_error=404", ErrorCode.UpstreamNotFound, false)]
    [InlineData("early_error=429 retry_after=18s", ErrorCode.UpstreamRateLimited, true)]
    [InlineData("early_error=500", ErrorCode.UpstreamFailed, false)]
    [InlineData("early_error=503", ErrorCode.UpstreamUnavailable, false)]
    [InlineData("early_error=504", ErrorCode.UpstreamTimeout, false)]
    [InlineData("http=502", ErrorCode.UpstreamUnavailable, false)]
    [InlineData("http=200", ErrorCode.UpstreamProtocol, false)]
    public async Task EarlyErrors_AreTranslated(string directives, ErrorCode expected, bool hasUntil)
    {
        var error = await _rig.OpenThrows(_rig.Turn($"[[{directives}]]"));

        Assert.Equal((expected, hasUntil), (error.Code, error.Until is not null));
    }

    [Theory]
    [InlineData("error=503 error_after=3", ErrorCode.UpstreamUnavailable)]
    [InlineData("error=429 error_after=3 error_form=bare", ErrorCode.UpstreamRateLimited)]
    public async Task ErrorInTheStream_FailsTheReply(string directives, ErrorCode expected)
    {
        var sink = await _rig.Run(_rig.Turn($"[[chunks=9 {directives}]]"));

        Assert.Equal((expected, 1), (sink.Failure!.Code, sink.Ends));
        Assert.NotEmpty(sink.Answer);
    }

    [Theory]
    [InlineData("cut_after=3")]
    [InlineData("disconnect_after=3")]
    public async Task CutStream_IsNoEnd(string directives)
    {
        var sink = new RecordingSink();
        await using var exchange = await _rig.Upstream.Open(_rig.Turn($"[[chunks=9 {directives}]]"), GeminiRig.Stop);

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
    }

    [Fact]
    public async Task Disposing_ClosesTheConnection()
    {
        var sink = new RecordingSink();
        await using (var exchange = await _rig.Upstream.Open(_rig.Turn("[[chunks=500 stall_after=5]]"), GeminiRig.Stop))
            while (!sink.Answers.Any() && await exchange.WaitToRead(GeminiRig.Stop)) exchange.Read(sink);

        await _sandbox.Gemini.WaitForCallAsync(call => call is { ClientGone: true, Ended: true }, GeminiRig.Stop);
    }

    [Theory]
    [InlineData("gemini-wrong-key")]
    [InlineData(FakeGemini.ExpiredKey)]
    public async Task WrongKey_IsTheOperatorsFault_AndNotInTheError(string key)
    {
        _rig.Account = _rig.Account with { Token = _rig.Seal.Seal(key) };
        var error = await _rig.OpenThrows(_rig.Turn("Hi"));

        Assert.Equal((ErrorCode.UpstreamUnauthorized, 502), (error.Code, error.Info.Status));
        Assert.DoesNotContain(key, error.Message);
    }

    [Fact]
    public async Task UnknownModel_IsReported()
    {
        _rig.UseModel("gemini-9");
        Assert.Equal(ErrorCode.UpstreamNotFound, (await _rig.OpenThrows(_rig.Turn("Hi"))).Code);
        _rig.UseModel("../files/x");
        Assert.Equal(ErrorCode.UpstreamNotFound, (await _rig.OpenThrows(_rig.Turn("Hi"))).Code);
    }

    [Fact]
    public async Task Key_IsAHeaderAndNeverInTheUrl()
    {
        await using var server = await WireServer.Start("data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n", "text/event-stream");
        using var rig = new GeminiRig(server.BaseUrl + "/v1beta");
        await rig.Run(rig.Turn("Hi"));

        var request = Assert.Single(server.Requests);
        Assert.Equal(("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "?alt=sse"), (request.Path, request.Query));
        Assert.Equal((FakeGemini.Key, null), (request.Headers["x-goog-api-key"], request.Authorization));
    }

    [Theory]
    [InlineData("safety", "some")]
    [InlineData("safety.weather", "off")]
    [InlineData("thinking_budget", "-2")]
    [InlineData("thinking_level", "xhigh")]
    [InlineData("response_modalities", "smell")]
    [InlineData("other", "1")]
    public void TryParse_InvalidOption_IsNamed(string name, string value)
    {
        Assert.False(GeminiBotOptions.TryParse(new Dictionary<string, string> { [name] = value }, out _, out var errors));
        Assert.Equal(name, Assert.Single(errors).Key);
    }
}
