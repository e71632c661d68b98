using CozeCluster.Upstreams.Claude;

namespace CozeCluster.Upstreams.Tests.Claude;

/// <summary>What is sent for the messages and the settings of a turn.</summary>
public sealed class ClaudeRequestTests : IDisposable
{
    private const string Open = """{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}""";
    private const string Closed =
        """{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"additionalProperties":false,"$defs":{"a":{"type":"integer"}}}""";

    private const string Recursive =
        """{"type":"object","additionalProperties":false,"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}""";

    private static readonly ToolDefinition Tool = new("get", "Gets.", Open, true);

    private readonly ClaudeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Body_Minimal_HasWhatTheApiRequires()
    {
        var body = await _rig.Body(_rig.Turn("Hi"));

        Assert.Equal("claude-sonnet-4-5", (string?)body["model"]);
        Assert.Equal(32_000, (int?)body["max_tokens"]);
        Assert.True((bool?)body["stream"]);
        Assert.Equal("""[{"role":"user","content":[{"type":"text","text":"Hi"}]}]""", body["messages"]!.ToJsonString());
        Assert.Equal(64, ((string?)body["metadata"]!["user_id"])!.Length);
        Assert.Equal(["model", "max_tokens", "stream", "messages", "metadata"], body.AsObject().Select(member => member.Key));
    }

    [Fact]
    public async Task Body_Roles_AreMergedAndAlternate()
    {
        _rig.SetModel("claude-sonnet-4-6");
        var body = await _rig.Body(_rig.Turn(
            CozeRig.System("A"), CozeRig.System("B"), CozeRig.Assistant("Hello"), CozeRig.User(" "), CozeRig.User("1"), CozeRig.System("Be brief"),
            CozeRig.User("2"), CozeRig.Assistant("x"), CozeRig.Assistant("y ")));

        Assert.Equal(["A", "B"], body["system"]!.AsArray().Select(block => (string?)block!["text"]));
        Assert.Equal(
            ["user:Continue.", "assistant:Hello", "user:1|Be brief|2", "assistant:x|y ", "user:Continue."],
            body["messages"]!.AsArray().Select(message => $"{message!["role"]}:{string.Join('|', message["content"]!.AsArray().Select(b => b!["text"]))}"));
    }

    [Theory]
    [InlineData("claude-sonnet-4-5", true)]
    [InlineData("claude-3-haiku-20240307", true)]
    [InlineData("claude-sonnet-4-6", false)]
    [InlineData("deepseek-chat", false)]
    public async Task Body_PromptThatEndsWithAnAnswer_IsContinuedWhereTheModelCan(string model, bool isPrefilled)
    {
        _rig.SetModel(model, ("reasoning_effort", "high"));
        var turn = _rig.Turn(CozeRig.User("JSON please"), CozeRig.Assistant("{ \n"));
        var body = await _rig.Body(turn);
        var messages = body["messages"]!.AsArray();
        Assert.Equal(
            isPrefilled ? ["user:JSON please", "assistant:{"] : ["user:JSON please", "assistant:{ \n", "user:Continue."],
            messages.Select(message => $"{message!["role"]}:{message["content"]![0]!["text"]}"));
        if (isPrefilled) Assert.Null(body["thinking"]);

        foreach (var settings in new GenerationSettings[]
        {
            new() { Format = new OutputFormat(null, null, null) },
            new() { Tools = [Tool], ToolChoice = new ToolChoice(ToolChoiceMode.Required) },
        }) Assert.Equal("user", (string?)(await _rig.Body(turn with { Settings = settings }))["messages"]!.AsArray()[^1]!["role"]);
    }

    [Fact]
    public async Task Body_OnlySystem_IsAUsersMessage()
    {
        var body = await _rig.Body(_rig.Turn(CozeRig.System("Say hi")));

        Assert.Null(body["system"]);
        Assert.Equal("user", (string?)body["messages"]![0]!["role"]);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<ClusterException>(() => ClaudePrompt.FromMessages([CozeRig.User("  ")])).Code);
    }

    [Fact]
    public async Task Body_ToolRounds_HaveResultsDirectlyAfterTheirCalls()
    {
        var body = await _rig.Body(_rig.Turn(
            CozeRig.User("Weather?"), Calls(("c 1", "get", "{\"a\":1}"), ("c2", "get", "nonsense")), Result("c2", "two"), CozeRig.System("Note"),
            Result("c 1", "one"), Result("c9", "nine"), Calls(("c2", "put", "")), CozeRig.User("Never mind")));

        var messages = body["messages"]!.AsArray();
        Assert.Equal(["user", "assistant", "user", "assistant", "user"], messages.Select(message => (string?)message!["role"]));
        var calls = messages[1]!["content"]!.AsArray();
        Assert.Equal("""{"arguments":"nonsense"}""", calls[1]!["input"]!.ToJsonString());
        var results = messages[2]!["content"]!.AsArray();
        Assert.Equal(["tool_result", "tool_result", "text", "text", "text"], results.Select(block => (string?)block!["type"]));
        Assert.Equal([(string?)calls[1]!["id"], (string?)calls[0]!["id"]], results.Take(2).Select(block => (string?)block!["tool_use_id"]));
        Assert.Equal((string?)messages[3]!["content"]![0]!["id"], (string?)messages[4]!["content"]![0]!["tool_use_id"]);
        var ids = new[] { calls[0], calls[1], messages[3]!["content"]![0] }.Select(call => (string?)call!["id"]).ToList();
        Assert.Equal(3, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[a-zA-Z0-9_-]+$", id));
        Assert.Equal(["get", "put"], body["tools"]!.AsArray().Select(tool => (string?)tool!["name"]));
        Assert.Equal("none", (string?)body["tool_choice"]!["type"]);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, false, """{"type":"auto","disable_parallel_tool_use":true}""")]
    [InlineData(ToolChoiceMode.Auto, null, """{"type":"auto"}""")]
    [InlineData(ToolChoiceMode.Required, true, """{"type":"any"}""")]
    [InlineData(ToolChoiceMode.Named, false, """{"type":"tool","name":"get","disable_parallel_tool_use":true}""")]
    [InlineData(ToolChoiceMode.None, false, """{"type":"none"}""")]
    public async Task Body_ToolChoice_IsTranslated(ToolChoiceMode? mode, bool? isParallel, string? expected)
    {
        var choice = mode is { } given ? new ToolChoice(given, given == ToolChoiceMode.Named ? "get" : null) : null;
        var body = await _rig.Body(With(new GenerationSettings
        {
            Tools = [Tool, new("put", null, null, null)], ToolChoice = choice, ParallelToolCalls = isParallel,
        }));

        Assert.Equal(expected, body["tool_choice"]?.ToJsonString());
        // The schema of the first one has a limit that cannot be followed exactly.
        Assert.Equal(Open, body["tools"]![0]!["input_schema"]!.ToJsonString());
        Assert.Null(body["tools"]![0]!["strict"]);
        Assert.Equal("""{"type":"object","properties":{}}""", body["tools"]![1]!["input_schema"]!.ToJsonString());
    }

    [Fact]
    public async Task Body_StrictToolWithAnExactSchema_IsStrict()
    {
        var settings = new GenerationSettings { Tools = [Tool with { Parameters = Closed }] };

        Assert.True((bool?)(await _rig.Body(With(settings)))["tools"]![0]!["strict"]);
        _rig.SetModel("claude-3-7-sonnet-latest");
        Assert.Null((await _rig.Body(With(settings)))["tools"]![0]!["strict"]);
    }

    [Theory]
    [InlineData("claude-sonnet-4-5", Closed, true)]
    [InlineData("claude-opus-5", Closed, true)]
    [InlineData("claude-sonnet-4-5", Open, false)]
    [InlineData("claude-sonnet-4-5", null, false)]
    [InlineData("claude-3-7-sonnet-latest", Closed, false)]
    [InlineData("claude-sonnet-4-5", Recursive, false)]
    public async Task Body_Format_IsTheModelsOwnOrATool(string model, string? schema, bool isOwn)
    {
        _rig.SetModel(model);
        var body = await _rig.Body(With(new GenerationSettings { Format = new OutputFormat(schema, "x", null) }));

        Assert.Equal(isOwn ? schema : null, body["output_config"]?["format"]?["schema"]?.ToJsonString());
        Assert.Equal(isOwn ? null : """{"type":"tool","name":"json_answer","disable_parallel_tool_use":true}""", body["tool_choice"]?.ToJsonString());
    }

    [Theory]
    [InlineData(null, "any", 2)]
    [InlineData(ToolChoiceMode.None, "tool", 2)]
    [InlineData(ToolChoiceMode.Required, "any", 1)]
    public async Task Body_FormatAndTools_LetTheModelChoose(ToolChoiceMode? mode, string expected, int tools)
    {
        var body = await _rig.Body(With(new GenerationSettings
        {
            Tools = [Tool], ToolChoice = mode is { } given ? new ToolChoice(given) : null, Format = new OutputFormat(Open, "x", null),
        }));

        Assert.Equal(expected, (string?)body["tool_choice"]!["type"]);
        Assert.Equal(tools, body["tools"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("claude-sonnet-4-5", "low", null, """{"type":"enabled","budget_tokens":1024}""", null)]
    [InlineData("claude-sonnet-4-5", "high", null, """{"type":"enabled","budget_tokens":4096}""", null)]
    [InlineData("claude-sonnet-4-5", "high", 2000, """{"type":"enabled","budget_tokens":1999}""", null)]
    [InlineData("claude-sonnet-4-5", "high", 1000, null, null)]
    [InlineData("claude-sonnet-4-5", "none", null, null, null)]
    [InlineData("claude-sonnet-4-5", null, null, null, null)]
    [InlineData("claude-3-haiku-20240307", "high", null, null, null)]
    [InlineData("claude-sonnet-4-6", "xhigh", null, """{"type":"adaptive","display":"summarized"}""", "high")]
    [InlineData("claude-sonnet-4-5", "max", null, """{"type":"enabled","budget_tokens":16384}""", null)]
    [InlineData("claude-sonnet-4-6", "max", null, """{"type":"adaptive","display":"summarized"}""", "max")]
    [InlineData("claude-opus-4-7", "max", null, """{"type":"adaptive","display":"summarized"}""", "max")]
    [InlineData("claude-opus-4-7", "xhigh", 500, """{"type":"adaptive","display":"summarized"}""", "xhigh")]
    [InlineData("claude-fable", "minimal", null, """{"type":"adaptive","display":"summarized"}""", "low")]
    [InlineData("kimi-k2", "medium", null, """{"type":"enabled","budget_tokens":2048}""", null)]
    public async Task Body_Effort_BecomesThinking(string model, string? effort, int? maxTokens, string? thinking, string? sentEffort)
    {
        _rig.SetModel(model);
        var body = await _rig.Body(With(new GenerationSettings { ReasoningEffort = effort, MaxOutputTokens = maxTokens, Temperature = 0.5 }));

        Assert.Equal(thinking, body["thinking"]?.ToJsonString());
        Assert.Equal(sentEffort, (string?)body["output_config"]?["effort"]);
        Assert.Equal(thinking is null, body["temperature"] is not null);
    }

    [Fact]
    public async Task Body_ThinkingThatTheApiWouldRefuse_IsLeftOut()
    {
        var settings = new GenerationSettings { ReasoningEffort = "high", Tools = [Tool] };
        var loop = _rig.Turn(CozeRig.User("?"), Calls(("c1", "get", "{}")), Result("c1", "1")) with { Settings = settings };

        Assert.Null((await _rig.Body(loop))["thinking"]);
        Assert.Null((await _rig.Body(With(settings with { ToolChoice = new ToolChoice(ToolChoiceMode.Required) })))["thinking"]);
        _rig.SetModel("claude-opus-4-7");
        Assert.NotNull((await _rig.Body(loop with { Bot = _rig.Bot }))["thinking"]);
    }

    [Theory]
    [InlineData("claude-3-7-sonnet-latest", 1.0, 0.5)]
    [InlineData("claude-sonnet-4-5", 1.0, null)]
    [InlineData("claude-opus-4-7", null, null)]
    public async Task Body_Sampling_IsWhatTheModelAccepts(string model, double? temperature, double? topP)
    {
        _rig.SetModel(model);
        var body = await _rig.Body(With(new GenerationSettings { Temperature = 1.7, TopP = 0.5, Stop = ["END", " \n"], MaxOutputTokens = 7, Seed = 1 }));

        Assert.Equal((temperature, topP), ((double?)body["temperature"], (double?)body["top_p"]));
        Assert.Equal("""["END"]""", body["stop_sequences"]!.ToJsonString());
        Assert.Equal(7, (int?)body["max_tokens"]);
    }

    [Fact]
    public async Task Body_Options_AreSent()
    {
        _rig.SetModel(
            "claude-sonnet-4-5", ("max_tokens", "9000"), ("thinking_budget", "2000"), ("prompt_cache", "1h"), ("service_tier", "standard_only"),
            ("structured_output", "tool"));
        var body = await _rig.Body(_rig.Turn("Hi"));

        Assert.Equal((9000, 2000), ((int?)body["max_tokens"], (int?)body["thinking"]!["budget_tokens"]));
        Assert.Equal("""{"type":"ephemeral","ttl":"1h"}""", body["cache_control"]!.ToJsonString());
        Assert.Equal("standard_only", (string?)body["service_tier"]);
    }

    [Fact]
    public async Task Body_Media_HaveTheirOwnTypes()
    {
        var png = await Put("a.jpg", "image/jpeg", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2]);
        var pdf = await Put("b.bin", "application/octet-stream", "%PDF-1.7 …"u8.ToArray());
        var text = await Put("c.md", "text/markdown", "# 你好"u8.ToArray());
        var body = await _rig.Body(_rig.Turn(CozeRig.User(
            new ImageContent(png), new TextContent("and"), new FileContent(pdf), new FileContent(text),
            new ImageContent(new MediaSource("https://a.test/x", null)),
            new FileContent(new MediaSource("https://a.test/x.pdf", null)), new FileContent(png))));

        var blocks = body["messages"]![0]!["content"]!.AsArray();
        Assert.Equal(["image", "text", "document", "document", "image", "document", "image"], blocks.Select(block => (string?)block!["type"]));
        Assert.Equal("""{"type":"base64","media_type":"image/png","data":"iVBORw0KGgoBAg=="}""", blocks[0]!["source"]!.ToJsonString());
        Assert.Equal("%PDF-1.7 …"u8.ToArray(), Convert.FromBase64String((string)blocks[2]!["source"]!["data"]!));
        Assert.Equal(("text/plain", "# 你好"), ((string?)blocks[3]!["source"]!["media_type"], (string?)blocks[3]!["source"]!["data"]));
        Assert.Equal("https://a.test/x.pdf", (string?)blocks[5]!["source"]!["url"]);
        Assert.Equal("b.bin", (string?)blocks[2]!["title"]);
    }

    [Fact]
    public async Task Body_LargeFile_IsExact()
    {
        var content = new byte[200_001];
        new Random(1).NextBytes(content);
        "%PDF-"u8.CopyTo(content);
        var body = await _rig.Body(_rig.Turn(CozeRig.User(new FileContent(await Put("a.pdf", "application/pdf", content)))));

        Assert.Equal(content, Convert.FromBase64String((string)body["messages"]![0]!["content"]![0]!["source"]!["data"]!));
    }

    [Fact]
    public async Task Body_UnsupportedMedia_IsRejected()
    {
        var heic = new ImageContent(await Put("a.heic", "image/heic", [0, 0, 0, 1, .. "ftypheic"u8]));
        var binary = new FileContent(await Put("a.bin", "application/zip", [0x50, 0x4B, 3, 4, 0, 0]));
        var large = new FileContent(new MediaSource(null, new BlobRef("b", "application/pdf", "b", 25_000_000)));
        foreach (var part in new ContentPart[] { heic, binary, large, new AudioContent(binary.Source) })
        {
            var error = await Assert.ThrowsAsync<ClusterException>(() => _rig.Body(_rig.Turn(CozeRig.User(part))));
            Assert.Equal((ErrorCode.FileRejected, "messages[0].content"), (error.Code, error.Param));
        }
    }

    [Theory]
    [InlineData("max_tokens", "0")]
    [InlineData("thinking_budget", "1023")]
    [InlineData("thinking", "maybe")]
    [InlineData("reasoning_effort", "most")]
    [InlineData("sampling", "yes")]
    [InlineData("structured_output", "json")]
    [InlineData("prompt_cache", "2h")]
    [InlineData("service_tier", "flex")]
    [InlineData("anthropic_beta", "a\nb")]
    [InlineData("temperature", "1")]
    public void TryParse_InvalidOption_IsNamed(string name, string value)
    {
        Assert.False(ClaudeBotOptions.TryParse(new Dictionary<string, string> { [name] = value }, out _, out var errors));
        Assert.Equal([name], errors.Keys);
    }

    private UpstreamTurn With(GenerationSettings settings) => _rig.Turn("Hi") with { Settings = settings };

    private async Task<MediaSource> Put(string name, string type, byte[] content) => new(null, await _rig.Blobs.Put("t", name, type, content, ClaudeRig.Stop));

    private static ChatMessage Calls(params (string Id, string Name, string Arguments)[] calls) =>
        new(ChatRole.Assistant, []) { ToolCalls = [.. calls.Select(call => new ToolCall(call.Id, call.Name, call.Arguments))] };

    private static ChatMessage Result(string id, string text) => new(ChatRole.Tool, [new TextContent(text)]) { ToolCallId = id };
}
