using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>A tool as it is sent.</summary>
internal sealed record ClaudeTool(string Name, string? Description, JsonElement Schema, bool IsStrict);

/// <summary>The <c>tool_choice</c> of a request.</summary>
/// <param name="Type"><c>auto</c>, <c>any</c>, <c>tool</c> or <c>none</c>.</param>
/// <param name="Name">The tool of <c>tool</c>.</param>
/// <param name="IsSingle">Whether the model may call only one tool.</param>
internal sealed record ClaudeToolChoice(string Type, string? Name, bool IsSingle)
{
    /// <summary>Whether the model has to call a tool. It cannot think then.</summary>
    public bool IsForced => Type is "any" or "tool";
}

/// <summary>
/// What a request asks for besides its prompt: the client's settings and the bot's options, as far as the model accepts them and they fit each other. A forced
/// tool and the beginning of an answer exclude thinking, and thinking excludes another temperature than the default.
/// </summary>
internal sealed class ClaudePlan
{
    // By a widely used gateway, so that the same words mean the same on both.
    private const int LowBudget = 1_024;
    private const int MediumBudget = 2_048;
    private const int HighBudget = 4_096;
    private const int HighestBudget = 16_384;

    // A smaller top_p is refused together with thinking.
    private const double MinTopPWithThinking = 0.95;

    private static readonly JsonElement AnyObject = LenientJson.TryParse("""{"type":"object","properties":{}}""")!.Value;
    private static readonly JsonElement OpenObject = LenientJson.TryParse("""{"type":"object","additionalProperties":true}""")!.Value;

    private readonly GenerationSettings _settings;
    private readonly ClaudeModel _model;

    /// <summary>Decides.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: a schema is not a JSON object.</exception>
    public ClaudePlan(UpstreamTurn turn, ClaudeBotOptions options, ClaudePrompt prompt)
    {
        _settings = turn.Settings;
        _model = ClaudeModel.Of(turn.Bot.UpstreamBotId);
        Options = options;
        Prompt = prompt;
        MaxTokens = _settings.MaxOutputTokens ?? options.MaxTokens ?? _model.DefaultMaxTokens;
        Stop = [.. _settings.Stop.Where(stop => !string.IsNullOrWhiteSpace(stop))];
        SetFormatAndTools();
        SetThinking();
        SetSampling();
    }

    public ClaudeBotOptions Options { get; }
    public ClaudePrompt Prompt { get; }
    public int MaxTokens { get; }
    public IReadOnlyList<string> Stop { get; }
    public IReadOnlyList<ClaudeTool> Tools { get; private set; } = [];
    public ClaudeToolChoice? ToolChoice { get; private set; }

    /// <summary>The schema that the model itself follows; null without one.</summary>
    public JsonElement? Format { get; private set; }

    /// <summary>The tool whose input is the answer, because the model cannot follow the client's format otherwise; null without one.</summary>
    public string? AnswerTool { get; private set; }

    /// <summary>The tokens for thinking; null: no thinking with a budget.</summary>
    public int? ThinkingBudget { get; private set; }

    /// <summary>Whether the model decides how much it thinks.</summary>
    public bool IsAdaptive { get; private set; }

    public string? Effort { get; private set; }
    public double? Temperature { get; private set; }
    public double? TopP { get; private set; }

    /// <summary>Whether a prompt may end with the beginning of the answer. A forced tool and a format each begin the answer themselves.</summary>
    public static bool CanPrefill(UpstreamTurn turn) =>
        ClaudeModel.Of(turn.Bot.UpstreamBotId).HasPrefill
        && turn.Settings is { Format: null, ToolChoice: null or { Mode: ToolChoiceMode.Auto or ToolChoiceMode.None } };

    private void SetFormatAndTools()
    {
        var hasStructuredOutputs = Options.StructuredOutput ?? _model.HasStructuredOutputs;
        var tools = new List<ClaudeTool>();
        for (var i = 0; i < _settings.Tools.Count; i++)
        {
            var tool = _settings.Tools[i];
            var schema = tool.Parameters is null ? AnyObject : ReadSchema(tool.Parameters, $"tools[{i}].function.parameters");
            tools.Add(new ClaudeTool(tool.Name, tool.Description, schema, tool.IsStrict == true && hasStructuredOutputs && ClaudeSchema.IsExact(schema)));
        }
        var choice = _settings.ToolChoice;
        var canCallTools = tools.Count > 0 && choice is not { Mode: ToolChoiceMode.None };
        var mustCallTool = canCallTools && choice is { Mode: ToolChoiceMode.Required or ToolChoiceMode.Named };

        // Tools that the history has calls of must be defined, even if the client does not offer them any more.
        foreach (var name in Prompt.CalledTools)
        {
            if (!tools.Exists(tool => tool.Name == name)) tools.Add(new ClaudeTool(name, null, AnyObject, IsStrict: false));
        }

        if (_settings.Format is { } format && !mustCallTool)
        {
            var schema = format.Schema is null ? OpenObject : ReadSchema(format.Schema, "response_format.json_schema.schema");
            if (hasStructuredOutputs && ClaudeSchema.IsExact(schema)) Format = schema;
            else AddAnswerTool(tools, format, schema, canCallTools);
        }
        Tools = tools;
        if (AnswerTool is null && tools.Count > 0) ToolChoice = Translate(choice, canCallTools);
    }

    private void AddAnswerTool(List<ClaudeTool> tools, OutputFormat format, JsonElement schema, bool canCallTools)
    {
        AnswerTool = "json_answer";
        while (tools.Exists(tool => tool.Name == AnswerTool)) AnswerTool += "_";
        var description = $"Call this tool to give your answer. Its input is the answer. {format.Description}".Trim();
        tools.Add(new ClaudeTool(AnswerTool, description, schema, IsStrict: false));
        // With tools of the client, the model chooses between a call and its answer.
        ToolChoice = canCallTools
            ? new ClaudeToolChoice("any", null, _settings.ParallelToolCalls == false)
            : new ClaudeToolChoice("tool", AnswerTool, IsSingle: true);
    }

    private ClaudeToolChoice? Translate(ToolChoice? choice, bool canCallTools)
    {
        if (!canCallTools) return new ClaudeToolChoice("none", null, IsSingle: false);
        var isSingle = _settings.ParallelToolCalls == false;
        return choice switch
        {
            { Mode: ToolChoiceMode.Required } => new ClaudeToolChoice("any", null, isSingle),
            { Mode: ToolChoiceMode.Named } => new ClaudeToolChoice("tool", choice.Name, isSingle),
            null when !isSingle => null,
            _ => new ClaudeToolChoice("auto", null, isSingle),
        };
    }

    private void SetThinking()
    {
        var effort = _settings.ReasoningEffort ?? Options.ReasoningEffort;
        if (effort is "none" || (effort is null && Options.ThinkingBudget is null) || ToolChoice is { IsForced: true } || Prompt.IsPrefilled) return;
        var hasBudget = Options.Thinking switch
        {
            ClaudeThinking.Budget => true,
            ClaudeThinking.Auto => _model.HasThinkingBudget,
            _ => false,
        };
        if (hasBudget)
        {
            // With a budget, the message with the calls must begin with its thinking, whose signature clients do not send back.
            if (Prompt.EndsWithToolResults) return;
            var budget = Math.Min(Options.ThinkingBudget ?? BudgetOf(effort), MaxTokens - 1);
            if (budget >= ClaudeLimits.MinThinkingBudget) ThinkingBudget = budget;
        }
        else if (Options.Thinking == ClaudeThinking.Adaptive || (Options.Thinking == ClaudeThinking.Auto && _model.HasAdaptiveThinking))
        {
            IsAdaptive = true;
            Effort = effort switch
            {
                "minimal" or "low" => "low",
                "medium" => "medium",
                "xhigh" when _model.HasExtraHighEffort => "xhigh",
                "max" => "max",
                null => null,
                _ => "high",
            };
        }
    }

    private void SetSampling()
    {
        if (!(Options.Sampling ?? _model.HasSampling)) return;
        var thinks = ThinkingBudget is not null || IsAdaptive;
        if (!thinks && _settings.Temperature is { } temperature) Temperature = Math.Min(temperature, 1);
        if (Temperature is not null && !_model.HasTemperatureWithTopP) return;
        if (_settings.TopP is { } topP && !(thinks && topP < MinTopPWithThinking)) TopP = topP;
    }

    private static int BudgetOf(string? effort) => effort switch
    {
        "minimal" or "low" => LowBudget,
        "high" => HighBudget,
        "xhigh" or "max" => HighestBudget,
        _ => MediumBudget,
    };

    // The API requires the type of the root.
    private static JsonElement ReadSchema(string text, string field)
    {
        if (LenientJson.TryParse(text) is not { ValueKind: JsonValueKind.Object } schema)
            throw new ClusterException(ErrorCode.InvalidRequest, "A schema must be a JSON object.", field);
        if (schema.GetText("type"u8) == "object") return schema;
        var raw = JsonMarshal.GetRawUtf8Value(schema)[1..^1].Trim(" \t\r\n"u8);
        var members = schema.TryGetProperty("type"u8, out _) ? "" : Encoding.UTF8.GetString(raw);
        return LenientJson.TryParse($$"""{"type":"object"{{(members.Length == 0 ? "" : ",")}}{{members}}}""")!.Value;
    }
}
