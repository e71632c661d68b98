using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Claude;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.Claude;

/// <summary>Tests the upstream with the sandbox's fake Claude, which checks requests as strictly as Claude.</summary>
public sealed class ClaudeSandboxTests : IAsyncLifetime
{
    private static readonly ToolDefinition Weather = new(
        "weather", "Tells the weather.",
        """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}""", true);

    private readonly ManualTime _time = new();
    private SandboxServer _sandbox = null!;
    private ClaudeRig _rig = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions { Time = _time }, ClaudeRig.Stop);
        _rig = new ClaudeRig(new Uri(_sandbox.BaseUrl, "claude").ToString(), time: _time);
    }

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _sandbox.DisposeAsync();
    }

    private ClaudeRecord Message => _sandbox.Claude.Messages[^1];

    public static TheoryData<string> Models => new(ClaudeModels);

    private static string[] ClaudeModels =>
        ["claude-opus-4-7", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-opus-4-1", "claude-3-7-sonnet-latest", "claude-3-haiku-20240307"];

    [Theory]
    [InlineData("Hello")]
    [InlineData("[[text=unicode chunks=200 chunk=3]]")]
    [InlineData("[[text=unicode chunks=50 chunk=1 escape=ascii torn unknown]]")]
    [InlineData("[[text=unicode chunks=50 newline=crlf colon=tight redacted reasoning=9]]")]
    public async Task Run_AnyReply_IsExact(string prompt)
    {
        var sink = await _rig.Run(_rig.Turn(prompt) with { Settings = new GenerationSettings { ReasoningEffort = "high" } });

        Assert.Equal((Message.Text, FinishReason.Stop), (sink.Answer, sink.Finish));
        Assert.Equal([Message.Thinking], sink.Reasoning);
        Assert.Equal((Message.Id, ClaudeMessageStatus.Completed), (sink.Ids["message_id"], Message.Status));
        Assert.Equal("sk-ant-sandbox", Message.Key);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task Run_EverySetting_IsAcceptedByEveryModel(string model)
    {
        _rig.SetModel(model, ("prompt_cache", "5m"), ("max_tokens", "4000"));
        string?[] efforts = [null, "none", "minimal", "low", "medium", "high", "xhigh"];
        foreach (var effort in efforts)
        {
            foreach (var choice in new ToolChoice?[] { null, new(ToolChoiceMode.None), new(ToolChoiceMode.Required), new(ToolChoiceMode.Named, "weather") })
            {
                foreach (var format in new OutputFormat?[] { null, new(null, null, null), new(Weather.Parameters, "x", true) })
                {
                    var settings = new GenerationSettings
                    {
                        Tools = [Weather], ToolChoice = choice, ParallelToolCalls = false, Format = format, ReasoningEffort = effort,
                        Temperature = 2, TopP = 0.1,
                        Stop = ["@@", "\n"], Seed = 1, PresencePenalty = 1, Verbosity = "low",
                    };
                    var sink = await _rig.Run(_rig.Turn(CozeRig.User("?"), Call("call_1"), Result("call_1"), CozeRig.User("Hi")) with { Settings = settings });
                    Assert.NotNull(sink.Finish);
                    Assert.Equal(choice is { Mode: ToolChoiceMode.Required or ToolChoiceMode.Named }, sink.Finish == FinishReason.ToolCalls);
                }
            }
        }
    }

    [Fact]
    public async Task Run_TwoRoundsOfTools_AnswerWithTheirResults()
    {
        var settings = new GenerationSettings { Tools = [Weather, Weather with { Name = "time" }], ReasoningEffort = "low" };
        var asked = await _rig.Run(_rig.Turn("[[tool=weather,time]] How is it?") with { Settings = settings });

        var calls = asked.Items.Cast<ToolCallItem>().ToList();
        Assert.Equal(["weather", "time"], calls.Select(call => call.Name));
        Assert.All(calls, call => Assert.Equal("{\"city\":\"Zürich 🚀\"}", call.Arguments));
        Assert.Equal(FinishReason.ToolCalls, asked.Finish);

        var history = new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [.. calls.Select(call => new ToolCall(call.Id, call.Name, call.Arguments))] };
        var answered = await _rig.Run(_rig.Turn(
            CozeRig.User("[[tool=weather,time]] How is it?"), history, Result(calls[1].Id, "noon"), Result(calls[0].Id, "20°")) with { Settings = settings });

        Assert.EndsWith("The tools returned: noon; 20°.", answered.Answer);
        Assert.Equal(FinishReason.Stop, answered.Finish);
    }

    [Theory]
    [InlineData("claude-sonnet-4-5", false)]
    [InlineData("claude-3-7-sonnet-latest", false)]
    [InlineData("claude-3-7-sonnet-latest", true)]
    public async Task Run_Format_IsTextOfThatFormat(string model, bool hasTools)
    {
        _rig.SetModel(model);
        var settings = new GenerationSettings { Format = new OutputFormat(Weather.Parameters, "x", true), Tools = hasTools ? [Weather] : [] };
        var sink = await _rig.Run(_rig.Turn(hasTools ? "[[tool=json_answer]]" : "Hi") with { Settings = settings });

        Assert.Equal(("{\"city\":\"Zürich 🚀\"}", FinishReason.Stop), (sink.Answer, sink.Finish));
        Assert.Empty(sink.Items);
    }

    [Fact]
    public async Task Run_MediaUsageAndLimits_AreRealistic()
    {
        var pdf = await _rig.Blobs.Put("t", "a.pdf", "application/pdf", "%PDF-1.7"u8.ToArray(), ClaudeRig.Stop);
        var text = await _rig.Blobs.Put("t", "a.txt", "text/plain", "hello"u8.ToArray(), ClaudeRig.Stop);
        var sink = await _rig.Run(_rig.Turn(CozeRig.User(
            new FileContent(new MediaSource(null, pdf)), new FileContent(new MediaSource(null, text)),
            new ImageContent(new MediaSource("https://a.test/a", null)),
            new TextContent("[[usage=10/20 cache=30/4]]"))) with { Settings = new GenerationSettings { MaxOutputTokens = 4 } });

        Assert.Equal(new Usage(44, 20, 64) { CachedInputTokens = 30, CacheWriteTokens = 4, ReasoningTokens = 0 }, sink.Usage);
        Assert.Equal((FinishReason.Length, 16), (sink.Finish, sink.Answer.Length));
    }

    [Theory]
    [InlineData("[[early_error=400]]", ErrorCode.UpstreamInvalidRequest)]
    [InlineData("[[early_error=context]]", ErrorCode.ContextLengthExceeded)]
    [InlineData("[[early_error=credit]]", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("[[early_error=filtered]]", ErrorCode.ContentFiltered)]
    [InlineData("[[early_error=image]]", ErrorCode.FileRejected)]
    [InlineData("[[early_error=401]]", ErrorCode.UpstreamUnauthorized)]
    [InlineData("[[early_error=402]]", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("[[early_error=403]]", ErrorCode.UpstreamForbidden)]
    [InlineData("[[early_error=404]]", ErrorCode.UpstreamNotFound)]
    [InlineData("[[early_error=413]]", ErrorCode.PayloadTooLarge)]
    [InlineData("[[early_error=429]]", ErrorCode.UpstreamRateLimited)]
    [InlineData("[[early_error=500]]", ErrorCode.UpstreamFailed)]
    [InlineData("[[early_error=504]]", ErrorCode.UpstreamTimeout)]
    [InlineData("[[early_error=overloaded_error]]", ErrorCode.UpstreamUnavailable)]
    [InlineData("[[http=413]]", ErrorCode.PayloadTooLarge)]
    [InlineData("[[http=502]]", ErrorCode.UpstreamUnavailable)]
    [InlineData("[[http=529]]", ErrorCode.UpstreamUnavailable)]
    [InlineData("[[http=302]]", ErrorCode.UpstreamProtocol)]
    [InlineData("[[http=200]]", ErrorCode.UpstreamProtocol)]
    public async Task Open_EarlyError_Throws(string prompt, ErrorCode expected)
    {
        var error = await _rig.OpenThrows(_rig.Turn(prompt));

        Assert.Equal((expected, (DateTimeOffset?)null), (error.Code, error.Until));
        Assert.DoesNotContain("sk-ant-sandbox", error + _rig.Logger.Text);
    }

    [Theory]
    [InlineData("[[early_error=429 retry_after=7s reset_after=30s]]", 7)]
    [InlineData("[[early_error=429 reset_after=30s]]", 30)]
    public async Task Open_RateLimit_SaysUntilWhen(string prompt, int seconds)
    {
        var until = (await _rig.OpenThrows(_rig.Turn(prompt))).Until!.Value - _time.GetUtcNow();

        // The header has whole seconds.
        Assert.InRange(until.TotalSeconds, seconds - 1, seconds);
    }

    [Theory]
    [InlineData("[[chunks=9 error=529 error_after=3]]", ErrorCode.UpstreamUnavailable)]
    [InlineData("[[chunks=9 error=api_error error_after=3]]", ErrorCode.UpstreamFailed)]
    public async Task Read_LaterError_FailsTheReply(string prompt, ErrorCode expected)
    {
        var sink = await _rig.Run(_rig.Turn(prompt));

        Assert.Equal(expected, sink.Failure!.Code);
        Assert.Equal(Message.Text[..24], sink.Answer);
    }

    [Theory]
    [InlineData("[[chunks=9 cut_after=3]]")]
    [InlineData("[[chunks=9 cut_after=99]]")]
    [InlineData("[[chunks=9 disconnect_after=3]]")]
    public async Task Read_LostConnection_IsNeverAnEnd(string prompt)
    {
        var sink = new RecordingSink();
        await using var exchange = await _rig.Upstream.Open(_rig.Turn(prompt), ClaudeRig.Stop);

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
        Assert.StartsWith(sink.Answer, Message.Text);
    }

    [Fact]
    public async Task Read_Refusal_IsFiltered() => Assert.Equal(FinishReason.ContentFilter, (await _rig.Run(_rig.Turn("[[refusal]]"))).Finish);

    [Fact]
    public async Task DisposeAsync_BeforeTheEnd_StopsClaude()
    {
        var sink = new RecordingSink();
        await using (var exchange = await _rig.Upstream.Open(_rig.Turn("[[chunks=500 stall_after=5]]"), ClaudeRig.Stop))
        {
            while (!sink.Answers.Any() && await exchange.WaitToRead(ClaudeRig.Stop)) exchange.Read(sink);
            await _rig.Upstream.Cancel(_rig.Turn("x"), sink.Handles[^1], ClaudeRig.Stop);
        }

        var message = await _sandbox.Claude.WaitForMessageAsync(message => message.Status == ClaudeMessageStatus.Abandoned, ClaudeRig.Stop);
        Assert.Equal(5, message.Deltas);
    }

    [Theory]
    [InlineData("sk-ant-wrong", ErrorCode.UpstreamUnauthorized)]
    [InlineData("sk-ant-sandbox-forbidden", ErrorCode.UpstreamForbidden)]
    [InlineData("sk-ant-sandbox-poor", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("with blank", ErrorCode.UpstreamUnauthorized)]
    public async Task Open_RefusedKey_IsTheOperatorsFault(string key, ErrorCode expected)
    {
        _rig.Account = _rig.Account with { Token = _rig.Seal.Seal(key) };

        var error = await _rig.OpenThrows(_rig.Turn("Hi"));

        Assert.Equal(expected, error.Code);
        Assert.DoesNotContain(key, error + _rig.Logger.Text);
    }

    [Fact]
    public async Task Open_KeyThatTheServerRepeats_IsRemoved()
    {
        await using var server = await WireServer.Start(
            """{"type":"error","error":{"type":"authentication_error","message":"bad key Qd7-canary-of-the-account-19"}}""", status: 401);
        _rig.Account = _rig.Account with { BaseUrl = server.BaseUrl + "/v1", Token = _rig.Seal.Seal("Qd7-canary-of-the-account-19") };

        var error = await _rig.OpenThrows(_rig.Turn("Hi"));

        Assert.DoesNotContain("canary", error + _rig.Logger.Text);
        var request = server.Requests.Single();
        Assert.Equal(
            ("/v1/messages", "Qd7-canary-of-the-account-19", "2023-06-01"),
            (request.Path, request.Headers["x-api-key"], request.Headers["anthropic-version"]));
        Assert.Null(request.Authorization);
    }

    [Fact]
    public async Task Open_BearerProxyAndBeta_AreUsed()
    {
        await using var proxy = TinyProxy.Socks(_sandbox.BaseUrl.Port);
        _rig.SetModel("claude-sonnet-4-5", ("anthropic_beta", "a-1,b-2"));
        _rig.Account = _rig.Account with
        {
            BaseUrl = "http://claude.test/claude",
            Proxy = _rig.Seal.Seal($"socks5://ann:pw@127.0.0.1:{proxy.Port}"),
            Options = new Dictionary<string, string> { ["auth_header"] = "bearer" },
        };

        Assert.Equal(FinishReason.Stop, (await _rig.Run(_rig.Turn("Hi"))).Finish);

        Assert.Equal(["ann:pw claude.test:80"], proxy.Asked);
        Assert.Equal(("a-1,b-2", "sk-ant-sandbox"), (Message.Beta, Message.Key));
    }

    [Fact]
    public async Task Open_UnknownModel_IsNotFound()
    {
        _rig.SetModel("claude-9-9");

        Assert.Equal(ErrorCode.UpstreamNotFound, (await _rig.OpenThrows(_rig.Turn("Hi"))).Code);
        Assert.True(_rig.Upstream.IsLanguageModel);
        Assert.False(_rig.Upstream.CanReattach(_rig.Bot));
    }

    private static ChatMessage Call(string id) => new(ChatRole.Assistant, []) { ToolCalls = [new ToolCall(id, "weather", "{}")] };

    private static ChatMessage Result(string id, string text = "20°") => new(ChatRole.Tool, [new TextContent(text)]) { ToolCallId = id };
}
