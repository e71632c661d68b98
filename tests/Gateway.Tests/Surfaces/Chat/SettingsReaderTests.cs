using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

/// <summary>The settings of clients, for models with a language model behind them.</summary>
public sealed class SettingsReaderTests
{
    private const string Tools = """ "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}] """;

    [Fact]
    public async Task Settings_reach_the_turn()
    {
        var settings = await Accept(
            Tools + "," + """
            "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"temperature":0.5,"top_p":0.1,"presence_penalty":-1,
            "frequency_penalty":1,"seed":3,"max_completion_tokens":9,"max_tokens":5,"stop":["a","b"],"reasoning_effort":"high","verbosity":"low",
            "logit_bias":{"1":-100},
            "response_format":{"type":"json_schema","json_schema":{"name":"n","description":"x","schema":{"type":"object"},"strict":false}}
            """);
        Assert.Equal(new ToolDefinition("f", "d", """{"type":"object"}""", true), Assert.Single(settings.Tools));
        Assert.Equal(new ToolChoice(ToolChoiceMode.Named, "f"), settings.ToolChoice);
        Assert.Equal(new OutputFormat("""{"type":"object"}""", "n", false) { Description = "x" }, settings.Format);
        Assert.Equal((false, 0.5, 0.1), (settings.ParallelToolCalls, settings.Temperature, settings.TopP));
        Assert.Equal((-1.0, 1.0), (settings.PresencePenalty, settings.FrequencyPenalty));
        Assert.Equal((3L, 9, "high", "low"), (settings.Seed, settings.MaxOutputTokens, settings.ReasoningEffort, settings.Verbosity));
        Assert.Equal(["a", "b"], settings.Stop);
        Assert.Equal("""{"1":-100}""", settings.OpenAiFields["logit_bias"]);
        Assert.True(settings.NeedsLanguageModel);
    }

    [Fact]
    public async Task Values_that_ask_for_nothing_are_no_settings()
    {
        var settings = await Accept("""
            "tools":[],"tool_choice":"auto","response_format":{"type":"text"},"max_tokens":-1,"temperature":null,"n":1,"logprobs":false,
            "stop":"","reasoning_effort":"","verbosity":""
            """);
        Assert.Equal((0, null, null), (settings.Stop.Count, settings.ReasoningEffort, settings.Verbosity));
        Assert.Equal((null, null, null, null), (settings.ToolChoice, settings.Format, settings.MaxOutputTokens, settings.Temperature));
        Assert.False(settings.NeedsLanguageModel);
    }

    [Fact]
    public async Task Empty_stops_are_left_out() => Assert.Equal(["a"], (await Accept(""" "stop":["","a"] """)).Stop);

    [Theory]
    [InlineData("auto", ToolChoiceMode.Auto)]
    [InlineData("required", ToolChoiceMode.Required)]
    public async Task Allowed_tools_are_all_that_the_model_gets(string mode, ToolChoiceMode expected)
    {
        const string Two = """ "tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}] """;
        var settings = await Accept(
            $$$"""{{{Two}}},"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"{{{mode}}}","tools":[{{{Named("g")}}}]}}""");
        Assert.Equal("g", Assert.Single(settings.Tools).Name);
        Assert.Equal(new ToolChoice(expected), settings.ToolChoice);
    }

    [Theory]
    [InlineData("""{"mode":"none","tools":[]}""", "tool_choice.allowed_tools.mode")]
    [InlineData("""{"mode":"auto","tools":[]}""", "tool_choice.allowed_tools.tools")]
    [InlineData("""{"mode":"auto","tools":[{"type":"custom","custom":{"name":"f"}}]}""", "tool_choice.allowed_tools.tools[0].type")]
    [InlineData("""{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}""", "tool_choice.allowed_tools.tools[0].function.name")]
    public async Task Allowed_tools_that_are_invalid_are_named(string allowed, string param)
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Chat(Body($$"""{{Tools}},"tool_choice":{"type":"allowed_tools","allowed_tools":{{allowed}}}"""));
        Assert.Equal(param, await response.ReadError("param"));
    }

    [Theory]
    [InlineData(""" "n":9 """, "n")]
    [InlineData(""" "tools":{} """, "tools")]
    [InlineData(""" "tools":[{"type":"custom","custom":{"name":"a"}}] """, "tools[0].type")]
    [InlineData(""" "tools":[{"type":"function"}] """, "tools[0].function")]
    [InlineData(""" "tools":[{"type":"function","function":{"name":"a b"}}] """, "tools[0].function.name")]
    [InlineData(""" "tools":[{"type":"function","function":{"name":"a","parameters":"x"}}] """, "tools[0].function.parameters")]
    [InlineData(""" "tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}] """, "tools[1].function.name")]
    [InlineData(Tools + ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}", "tool_choice.function.name")]
    [InlineData(""" "tool_choice":"required" """, "tool_choice")]
    [InlineData(""" "tool_choice":"perhaps" """, "tool_choice")]
    [InlineData(""" "functions":[{"name":"f"}] """, "functions")]
    [InlineData(""" "response_format":{"type":"yaml"} """, "response_format.type")]
    [InlineData(""" "response_format":{"type":"json_schema","json_schema":{"name":"n"}} """, "response_format.json_schema.schema")]
    [InlineData(""" "temperature":3 """, "temperature")]
    [InlineData(""" "max_tokens":0 """, "max_tokens")]
    [InlineData(""" "stop":["a","b","c","d","e"] """, "stop")]
    [InlineData(""" "logit_bias":{"a":"\ud800"} """, "logit_bias")]
    [InlineData(""" "logprobs":true """, "logprobs")]
    public async Task Errors_name_the_field(string fields, string param)
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Chat(Body(fields));
        Assert.Equal(param, await response.ReadError("param"));
    }

    [Fact]
    public async Task Usage_has_the_counters_that_the_upstream_reports()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(0, 2),
            Reply.Text("ok"),
            new ReplyCompleted(FinishReason.Stop, new Usage(5, 3, 8) { CachedInputTokens = 2, ReasoningTokens = 1 }, null));
        using var response = await host.Chat(Body(""" "seed":1 """));
        var usage = (await response.ReadJson()).GetProperty("usage");
        Assert.Equal(2, usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        Assert.Equal(1, usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32());
    }

    private static string Named(string name) => $$$"""{"type":"function","function":{"name":"{{{name}}}"}}""";

    private static string Body(string fields) => $$"""{"model":"{{FakeFleet.LanguageModel}}","messages":[{"role":"user","content":"Hi"}],{{fields}}}""";

    private static async Task<GenerationSettings> Accept(string fields)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        using var response = await host.Chat(Body(fields));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return (await host.Grains.FirstBegin.Task).Request!.Settings;
    }
}
