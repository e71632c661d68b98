using System.Globalization;

namespace CozeCluster.Upstreams.Claude;

/// <summary>What a fleet needs to know about Anthropic's API.</summary>
public static class ClaudeApi
{
    /// <summary>The URL of Anthropic's API.</summary>
    public const string DefaultBaseUrl = "https://api.anthropic.com";

    /// <summary>The version of the API, in the header <c>anthropic-version</c>.</summary>
    internal const string Version = "2023-06-01";
}

/// <summary>How a model thinks.</summary>
public enum ClaudeThinking
{
    /// <summary>As the model's name says.</summary>
    Auto,

    /// <summary>With a budget of tokens.</summary>
    Budget,

    /// <summary>As much as the model decides.</summary>
    Adaptive,

    /// <summary>Not at all.</summary>
    Off,
}

/// <summary>The options of a bot (<see cref="BotDefinition.Options"/>) that only Claude models have.</summary>
public sealed record ClaudeBotOptions
{
    private const int MaxTokensLimit = 1_000_000;

    private const string Known =
        "max_tokens, thinking, thinking_budget, reasoning_effort, sampling, structured_output, prompt_cache, service_tier, anthropic_beta";

    /// <summary>
    /// Option <c>max_tokens</c>: the longest output, in tokens, of turns whose client gives no limit; the API requires one. Default: 32,000; 4,096 for models
    /// before Claude 3.7.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>Option <c>thinking</c>: <c>auto</c> (default), <c>budget</c>, <c>adaptive</c> or <c>off</c>.</summary>
    public ClaudeThinking Thinking { get; init; }

    /// <summary>
    /// Option <c>thinking_budget</c>, tokens from 1,024: every turn thinks with this budget, unless its client asks for the effort <c>none</c>. Default: only
    /// turns whose client asks for it think, with a budget by their effort.
    /// </summary>
    public int? ThinkingBudget { get; init; }

    /// <summary>Option <c>reasoning_effort</c>: the effort of turns whose client asks for none. Default: no thinking.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Option <c>sampling</c>, <c>true</c> or <c>false</c>: whether a client's temperature and top_p are sent. Default: by the model's name.</summary>
    public bool? Sampling { get; init; }

    /// <summary>
    /// Option <c>structured_output</c>, <c>format</c> or <c>tool</c>: whether the model follows schemas itself, or a forced tool call gives the JSON. Default:
    /// by the model's name. A schema that <c>format</c> does not support is always a tool.
    /// </summary>
    public bool? StructuredOutput { get; init; }

    /// <summary>Option <c>prompt_cache</c>, <c>5m</c> or <c>1h</c>: how long prompts stay in Claude's cache. Default: not at all.</summary>
    public string? PromptCache { get; init; }

    /// <summary>Option <c>service_tier</c>: <c>auto</c> (Claude's default) or <c>standard_only</c>.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Option <c>anthropic_beta</c>: the header of the same name, names of beta features separated by commas.</summary>
    public string? Beta { get; init; }

    /// <summary>Parses options.</summary>
    /// <param name="options">The names and values in the fleet.</param>
    /// <param name="parsed">The parsed options, without the invalid ones.</param>
    /// <param name="errors">What was expected, by the name of each invalid option.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out ClaudeBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new ClaudeBotOptions();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            var expected = name switch
            {
                "max_tokens" => CheckNumber(value, 1),
                "thinking_budget" => CheckNumber(value, ClaudeLimits.MinThinkingBudget),
                "thinking" => OneOf(value, "auto", "budget", "adaptive", "off"),
                "reasoning_effort" => OneOf(value, "none", "minimal", "low", "medium", "high", "xhigh", "max"),
                "sampling" => OneOf(value, "true", "false"),
                "structured_output" => OneOf(value, "format", "tool"),
                "prompt_cache" => OneOf(value, "5m", "1h"),
                "service_tier" => OneOf(value, "auto", "standard_only"),
                "anthropic_beta" => IsHeader(value) ? null : "expected names separated by commas",
                _ => $"unknown; Claude bots have {Known}",
            };
            if (expected is not null) invalid[name] = expected;
            else parsed = parsed.With(name, value);
        }
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of a bot.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static ClaudeBotOptions Parse(BotDefinition bot) =>
        TryParse(bot.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Bot '{bot.Id}'", errors);

    private ClaudeBotOptions With(string name, string value) => name switch
    {
        "max_tokens" => this with { MaxTokens = ReadNumber(value) },
        "thinking_budget" => this with { ThinkingBudget = ReadNumber(value) },
        "thinking" => this with { Thinking = Enum.Parse<ClaudeThinking>(value, ignoreCase: true) },
        "reasoning_effort" => this with { ReasoningEffort = value },
        "sampling" => this with { Sampling = value == "true" },
        "structured_output" => this with { StructuredOutput = value == "format" },
        "prompt_cache" => this with { PromptCache = value },
        "service_tier" => this with { ServiceTier = value },
        "anthropic_beta" => this with { Beta = value },
        _ => this,
    };

    private static string? CheckNumber(string value, int min) =>
        ReadNumber(value) is { } number && number >= min && number <= MaxTokensLimit ? null : $"expected a whole number from {min} to {MaxTokensLimit}";

    private static int? ReadNumber(string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? OneOf(string value, params string[] choices) =>
        choices.Contains(value) ? null : $"expected {string.Join(", ", choices[..^1])} or {choices[^1]}";

    private static bool IsHeader(string value) => value.Length > 0 && !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}

/// <summary>The options of an account (<see cref="AccountDefinition.Options"/>) that only Claude has.</summary>
public sealed record ClaudeAccountOptions
{
    /// <summary>
    /// Option <c>auth_header</c>, <c>x-api-key</c> (default) or <c>bearer</c>: how the token is sent. Tokens of some compatible servers need
    /// <c>Authorization: Bearer</c>.
    /// </summary>
    public bool IsBearer { get; init; }

    /// <inheritdoc cref="ClaudeBotOptions.TryParse"/>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out ClaudeAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new ClaudeAccountOptions();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            if (name != "auth_header") invalid[name] = "unknown; Claude accounts have auth_header";
            else if (value is not ("x-api-key" or "bearer")) invalid[name] = "expected x-api-key or bearer";
            else parsed = parsed with { IsBearer = value == "bearer" };
        }
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of an account.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static ClaudeAccountOptions Parse(AccountDefinition account) =>
        TryParse(account.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Account '{account.Id}'", errors);
}
