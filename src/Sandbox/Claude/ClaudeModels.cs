namespace CozeCluster.Sandbox.Claude;

/// <summary>A model of the fake Claude, and what it accepts. The rules are those of the real models with these names.</summary>
/// <param name="Id">The name.</param>
/// <param name="Version">The version, 4.5 as 405.</param>
/// <param name="MaxTokens">The largest <c>max_tokens</c>.</param>
internal sealed record ClaudeModelInfo(string Id, int Version, int MaxTokens)
{
    public const int ContextTokens = 200_000;

    public static readonly ClaudeModelInfo[] All =
    [
        new("claude-opus-4-7", 407, 128_000),
        new("claude-sonnet-4-6", 406, 64_000),
        new("claude-sonnet-4-5", 405, 64_000),
        new("claude-opus-4-1", 401, 32_000),
        new("claude-3-7-sonnet-latest", 307, 64_000),
        new("claude-3-haiku-20240307", 300, 4_096),
    ];

    public bool HasThinking => Version >= 307;
    public bool HasThinkingBudget => Version is >= 307 and < 407;
    public bool HasAdaptiveThinking => Version >= 406;
    public bool HasSampling => Version <= 406;
    public bool HasTemperatureWithTopP => Version < 401;
    public bool HasStructuredOutputs => Version >= 405;
    public bool HasPrefill => Version < 406;

    public static ClaudeModelInfo? Find(string id) => Array.Find(All, model => model.Id == id);
}
