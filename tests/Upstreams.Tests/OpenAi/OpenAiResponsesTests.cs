using System.Text.Json.Nodes;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.OpenAi;
using CozeCluster.Upstreams.OpenAi;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>What bots of the Responses API send, and how their responses are cancelled and deleted. With the fake OpenAI where that is possible.</summary>
public sealed class OpenAiResponsesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_RepliesAreThoseOfTheFake(bool isBackground)
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), ResponsesRig.Stop);
        using var rig = Rig(sandbox, isBackground);
        var sink = await rig.Run(rig.Turn("[[text=unicode chunks=30 chunk=3 reasoning=4 seed=3 torn]]"));

        Assert.Equal(Assert.Single(sandbox.OpenAi.Completions).Reply, sink.Answer);
        Assert.NotEmpty(Assert.Single(sink.Reasoning));
        Assert.Equal((FinishReason.Stop, isBackground), (sink.Finish, sink.Ids.ContainsKey("response_id")));
        Assert.True(sink.Usage is { InputTokens: > 0, ReasoningTokens: > 0 });
    }

    [Fact]
    public async Task Run_BackgroundResponse_SurvivesItsConnections()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), ResponsesRig.Stop);
        using var rig = Rig(sandbox, isBackground: true);
        var sink = await rig.Run(rig.Turn("[[text=unicode chunks=30 chunk=3 seed=4 disconnect_after=7]]"));
        Assert.Equal(Assert.Single(sandbox.OpenAi.Completions).Reply, sink.Answer);
        Assert.Empty(sink.Rewrites);
    }

    [Fact]
    public async Task Cancel_StopsTheResponse_AndIsIdempotent()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), ResponsesRig.Stop);
        using var rig = Rig(sandbox, isBackground: true);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Open(rig.Turn("[[chunks=9 stall_after=2]]"), ResponsesRig.Stop);
        while (sink.Handles.Count == 0 && await exchange.WaitToRead(ResponsesRig.Stop)) exchange.Read(sink);
        var handle = Assert.Single(sink.Handles);
        await rig.Upstream.Cancel(rig.Turn(), handle, ResponsesRig.Stop);
        await rig.Upstream.Cancel(rig.Turn(), handle, ResponsesRig.Stop);

        Assert.True(Assert.Single(sandbox.OpenAi.Completions).IsCancelled);
        await rig.Upstream.Release(rig.Turn(), handle);
        await rig.Upstream.Release(rig.Turn(), handle);
        await rig.Upstream.Cancel(rig.Turn(), handle, ResponsesRig.Stop);
        Assert.True(Assert.Single(sandbox.OpenAi.Completions).IsDeleted);
    }

    [Fact]
    public async Task CancelAndRelease_WithoutABackgroundResponse_SendNothing()
    {
        using var rig = new ResponsesRig();
        var handle = rig.Handle with { Ids = new Dictionary<string, string> { ["id"] = "resp_1" } };
        await rig.Upstream.Cancel(rig.Turn(), handle, ResponsesRig.Stop);
        await rig.Upstream.Release(rig.Turn(), handle);
    }

    [Fact]
    public async Task Release_OfABotThatStores_KeepsTheResponse()
    {
        using var rig = new ResponsesRig();
        rig.SetOptions(("api", "responses"), ("background", "true"), ("store", "true"));
        await rig.Upstream.Release(rig.Turn(), rig.Handle);
    }

    [Fact]
    public void CanReattach_DependsOnTheBot()
    {
        using var rig = new ResponsesRig();
        Assert.True(rig.Upstream.CanReattach(rig.Bot));
        foreach (var options in new (string, string)[][] { [], [("api", "chat")], [("api", "responses")], [("background", "true")], [("api", "x")] })
        {
            rig.SetOptions(options);
            Assert.False(rig.Upstream.CanReattach(rig.Bot));
        }
    }

    [Theory]
    [InlineData("api", "completions")]
    [InlineData("background", "true")]
    [InlineData("background", "yes")]
    [InlineData("reasoning_summary", "auto")]
    public void TryParse_WrongOption_IsNamed(string name, string value)
    {
        Assert.False(OpenAiBotOptions.TryParse(new Dictionary<string, string> { [name] = value }, out _, out var errors));
        Assert.Equal(name, Assert.Single(errors).Key);
    }

    [Fact]
    public async Task Open_PromptThatIsCancelledWhileItsMediaIsLoaded_WasNotSent()
    {
        using var rig = new ResponsesRig();
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        var blob = await rig.Blobs.Put("t", "a.pdf", "application/pdf", new byte[100_000], default);
        var turn = rig.Turn(new ChatMessage(ChatRole.User, [new FileContent(new MediaSource(null, blob))]));
        await Assert.ThrowsAsync<PromptNotSentException>(async () => await rig.Upstream.Open(turn, stop.Token));
    }

    [Fact]
    public async Task Open_WritesTheWholePrompt()
    {
        await using var server = await WireServer.Start("{}", status: 500);
        using var rig = new ResponsesRig(server.BaseUrl);
        rig.SetOptions(("api", "responses"), ("reasoning_summary", "auto"), ("instructions_role", "developer"), ("field.top_logprobs", "3"));
        var image = await rig.Blobs.Put("t", "a.png", "image/png", new byte[] { 1, 2, 3 }, default);
        var turn = rig.Turn(
            new ChatMessage(ChatRole.System, [new TextContent("Be brief.")]),
            CozeRig.User("one"),
            new ChatMessage(ChatRole.Assistant, [new TextContent("calling")]) { ToolCalls = [new ToolCall("c1", "f", "{}")] },
            new ChatMessage(ChatRole.Tool, [new TextContent("noon")]) { ToolCallId = "c1" },
            new ChatMessage(
                ChatRole.User,
                [new TextContent("two"), new ImageContent(new MediaSource(null, image)), new ImageContent(new MediaSource("https://e.com/a", null))]))
            with
        {
            Settings = new GenerationSettings
            {
                Tools = [new ToolDefinition("f", "Does it.", null, null)], ToolChoice = new ToolChoice(ToolChoiceMode.Named, "f"), ParallelToolCalls = false,
                Format = new OutputFormat("""{"type":"object"}""", "reply", true), Temperature = 0.5, Seed = 7, Stop = ["END"], PresencePenalty = 1,
                MaxOutputTokens = 3, ReasoningEffort = "low", Verbosity = "high",
                OpenAiFields = new Dictionary<string, string> { ["service_tier"] = "\"flex\"", ["logit_bias"] = "{}" },
            },
            Metadata = new Dictionary<string, string> { ["a"] = "b" },
        };
        await Assert.ThrowsAsync<ClusterException>(async () => await rig.Upstream.Open(turn, ResponsesRig.Stop));

        var request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/responses", "Bearer sk-test-token"), (request.Method, request.Path, request.Authorization));
        var expected = JsonNode.Parse("""
            {"model":"gpt-sandbox","stream":true,"store":false,
            "input":[{"role":"developer","content":"Be brief."},{"role":"user","content":"one"},{"role":"assistant","content":"calling"},
            {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"noon"},
            {"role":"user","content":[{"type":"input_text","text":"two"},{"type":"input_image","image_url":"data:image/png;base64,AQID","detail":"auto"},
            {"type":"input_image","image_url":"https://e.com/a","detail":"auto"}]}],
            "tools":[{"type":"function","name":"f","description":"Does it.","parameters":{"type":"object","properties":{}},"strict":false}],
            "parallel_tool_calls":false,"tool_choice":{"type":"function","name":"f"},
            "text":{"format":{"type":"json_schema","name":"reply","schema":{"type":"object"},"strict":true},"verbosity":"high"},
            "reasoning":{"effort":"low","summary":"auto"},"max_output_tokens":16,"temperature":0.5,"service_tier":"flex","top_logprobs":3}
            """);
        Assert.True(JsonNode.DeepEquals(expected, request.Json), request.Text);
    }

    [Fact]
    public async Task Open_Audio_IsRefusedIfItIsNew()
    {
        using var rig = new ResponsesRig();
        var blob = await rig.Blobs.Put("t", "a.wav", "audio/wav", new byte[] { 1 }, default);
        var turn = rig.Turn(new ChatMessage(ChatRole.User, [new AudioContent(new MediaSource(null, blob))]));
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await rig.Upstream.Open(turn, ResponsesRig.Stop));
        Assert.Equal(ErrorCode.FileRejected, error.Code);
    }

    private static ResponsesRig Rig(SandboxServer sandbox, bool isBackground) =>
        new(new Uri(sandbox.BaseUrl, "openai/v1").ToString(), isBackground: isBackground, token: FakeOpenAi.Token);
}
