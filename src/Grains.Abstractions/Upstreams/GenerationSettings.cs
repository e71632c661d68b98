using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// What a client asks of a language model besides the prompt. Only upstreams with <see cref="IUpstream.IsLanguageModel"/> use it: a bot has its own settings.
/// Null means the upstream's default.
/// </summary>
[GenerateSerializer, Immutable, Alias("generation-settings")]
public sealed record GenerationSettings
{
    /// <summary>No settings.</summary>
    public static GenerationSettings None { get; } = new();

    /// <summary>The tools that the model may call, at most 128.</summary>
    [Id(0)]
    public IReadOnlyList<ToolDefinition> Tools { get => field ?? []; init; }

    /// <summary>Whether the model has to call a tool; null: it decides, if there are tools.</summary>
    [Id(1)]
    public ToolChoice? ToolChoice { get; init; }

    /// <summary>Whether the model may call several tools at once.</summary>
    [Id(2)]
    public bool? ParallelToolCalls { get; init; }

    /// <summary>The format of the answer; null: text.</summary>
    [Id(3)]
    public OutputFormat? Format { get; init; }

    /// <summary>0 to 2.</summary>
    [Id(4)]
    public double? Temperature { get; init; }

    /// <summary>0 to 1.</summary>
    [Id(5)]
    public double? TopP { get; init; }

    /// <summary>−2 to 2.</summary>
    [Id(6)]
    public double? PresencePenalty { get; init; }

    /// <summary>−2 to 2.</summary>
    [Id(7)]
    public double? FrequencyPenalty { get; init; }

    /// <summary>The seed of the sampling.</summary>
    [Id(8)]
    public long? Seed { get; init; }

    /// <summary>The longest output, in tokens, from 1.</summary>
    [Id(9)]
    public int? MaxOutputTokens { get; init; }

    /// <summary>Texts that end the output, at most 4.</summary>
    [Id(10)]
    public IReadOnlyList<string> Stop { get => field ?? []; init; }

    /// <summary>OpenAI's word for the amount of reasoning (<c>none</c>, <c>minimal</c>, <c>low</c>, <c>medium</c>, <c>high</c>, <c>xhigh</c>).</summary>
    [Id(11)]
    public string? ReasoningEffort { get; init; }

    /// <summary>OpenAI's word for the length of the answer (<c>low</c>, <c>medium</c>, <c>high</c>).</summary>
    [Id(12)]
    public string? Verbosity { get; init; }

    /// <summary>
    /// Other fields of OpenAI's chat completions as JSON texts by name, which only OpenAI-compatible upstreams send (<c>logit_bias</c>, <c>service_tier</c>,
    /// <c>prompt_cache_key</c>).
    /// </summary>
    [Id(13)]
    public IReadOnlyDictionary<string, string> OpenAiFields { get => field ?? new Dictionary<string, string>(); init; }

    /// <summary>Whether something is set that a bot cannot honour: tools that may be called, or a format.</summary>
    [JsonIgnore]
    public bool NeedsLanguageModel => (Tools.Count > 0 && ToolChoice is not { Mode: ToolChoiceMode.None }) || Format is not null;
}

/// <summary>A function that a model may call.</summary>
/// <param name="Name">1 to 64 of <c>a-z A-Z 0-9 _ -</c>.</param>
/// <param name="Description">When and how to call it; null if the client gave none.</param>
/// <param name="Parameters">A JSON schema of the arguments, as JSON text; null: no arguments.</param>
/// <param name="IsStrict">Whether the arguments must follow the schema exactly; null: the upstream's default.</param>
[GenerateSerializer, Immutable, Alias("tool-definition")]
public sealed record ToolDefinition(string Name, string? Description, string? Parameters, bool? IsStrict);

/// <summary>Whether a model has to call a tool.</summary>
/// <param name="Mode">The rule.</param>
/// <param name="Name">The tool of <see cref="ToolChoiceMode.Named"/>; otherwise null.</param>
[GenerateSerializer, Immutable, Alias("tool-choice")]
public sealed record ToolChoice(ToolChoiceMode Mode, string? Name = null);

/// <summary>The rules about tool calls.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ToolChoiceMode>))]
[GenerateSerializer, Alias("tool-choice-mode")]
public enum ToolChoiceMode
{
    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>The model calls no tool.</summary>
    None,

    /// <summary>The model calls at least one tool.</summary>
    Required,

    /// <summary>The model calls one particular tool.</summary>
    Named,
}

/// <summary>The format of a model's answer: a JSON object.</summary>
/// <param name="Schema">Its JSON schema, as JSON text; null: any object (<c>json_object</c>).</param>
/// <param name="Name">The schema's name; null without a schema.</param>
/// <param name="IsStrict">Whether the answer must follow the schema exactly; null: the upstream's default.</param>
[GenerateSerializer, Immutable, Alias("output-format")]
public sealed record OutputFormat(string? Schema, string? Name, bool? IsStrict)
{
    /// <summary>What the schema is for; null if the client gave nothing.</summary>
    [Id(0)]
    public string? Description { get; init; }
}
