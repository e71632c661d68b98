using System.Globalization;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>What a fleet needs to know about Google's Gemini API.</summary>
public static class GeminiApi
{
    /// <summary>The name of the upstream in fleets.</summary>
    public const string UpstreamName = UpstreamNames.Gemini;

    /// <summary>The URL of Google's API. The version may be missing; it is <c>v1beta</c> then.</summary>
    public const string DefaultBaseUrl = "https://generativelanguage.googleapis.com/v1beta";
}

/// <summary>The options of a bot (<see cref="BotDefinition.Options"/>) that only Gemini has. What is not set is not sent.</summary>
public sealed record GeminiBotOptions
{
    private const string SafetyPrefix = "safety.";
    private const int MaxBudget = 65_536;
    private const int MaxTopK = 1_000;

    private const string Known =
        "safety, safety.<category>, thinking_budget, thinking_level, include_thoughts, top_k, response_modalities";

    private static readonly string[] Categories = ["harassment", "hate_speech", "sexually_explicit", "dangerous_content", "civic_integrity"];

    // The API warns about civic_integrity, so it is sent only where a fleet names it.
    private static readonly string[] CommonCategories = Categories[..4];

    private static readonly string[] Thresholds = ["off", "block_none", "block_only_high", "block_medium_and_above", "block_low_and_above"];

    private static readonly string[] Levels = ["minimal", "low", "medium", "high"];

    private static readonly string[] Modalities = ["text", "image"];

    /// <summary>
    /// Options <c>safety</c> (for all categories) and <c>safety.&lt;category&gt;</c>, which overrides it: what is blocked. The values are <c>off</c>,
    /// <c>block_none</c>, <c>block_only_high</c>, <c>block_medium_and_above</c> and <c>block_low_and_above</c>. Here thresholds by category, both as the API
    /// writes them.
    /// </summary>
    public IReadOnlyDictionary<string, string> Safety { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Option <c>thinking_budget</c>: the tokens of thinking, 0 to 65,536, or −1 for as many as the model wants. Only for models before Gemini 3. A client's
    /// effort overrides it.
    /// </summary>
    public int? ThinkingBudget { get; init; }

    /// <summary>
    /// Option <c>thinking_level</c>: <c>minimal</c>, <c>low</c>, <c>medium</c> or <c>high</c>. Only for models from Gemini 3. A client's effort overrides it.
    /// Here as the API writes it.
    /// </summary>
    public string? ThinkingLevel { get; init; }

    /// <summary>Option <c>include_thoughts</c>: whether replies contain the reasoning. Default: true for models that think.</summary>
    public bool? IncludeThoughts { get; init; }

    /// <summary>Option <c>top_k</c>: from how many tokens each one is chosen, 1 to 1,000.</summary>
    public int? TopK { get; init; }

    /// <summary>Option <c>response_modalities</c>: what replies consist of: <c>text</c>, <c>image</c> or <c>text,image</c>. Here as in the API.</summary>
    public IReadOnlyList<string> ResponseModalities { get; init; } = [];

    /// <summary>Parses options.</summary>
    /// <param name="options">The names and values in the fleet.</param>
    /// <param name="parsed">The parsed options, without the invalid ones.</param>
    /// <param name="errors">What was expected, by the name of each invalid option.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out GeminiBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new GeminiBotOptions();
        var safety = new Dictionary<string, string>();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            var expected = name switch
            {
                "safety" => OneOf(value, Thresholds),
                _ when name.StartsWith(SafetyPrefix, StringComparison.Ordinal) => Categories.Contains(name[SafetyPrefix.Length..])
                    ? OneOf(value, Thresholds)
                    : $"unknown category; there are {string.Join(", ", Categories)}",
                "thinking_budget" => Number(value, -1, MaxBudget),
                "thinking_level" => OneOf(value, Levels),
                "include_thoughts" => OneOf(value, "true", "false"),
                "top_k" => Number(value, 1, MaxTopK),
                "response_modalities" => value.Split(',').All(word => Modalities.Contains(word.Trim())) ? null : "expected text, image or text,image",
                _ => $"unknown; Gemini bots have {Known}",
            };
            if (expected is not null) invalid[name] = expected;
            else parsed = parsed.With(name, value);
        }
        if (!invalid.ContainsKey("safety") && options.TryGetValue("safety", out var common))
            foreach (var category in CommonCategories) safety[ToApi(category)] = common.ToUpperInvariant();
        foreach (var (name, value) in options)
        {
            if (name.StartsWith(SafetyPrefix, StringComparison.Ordinal) && !invalid.ContainsKey(name))
                safety[ToApi(name[SafetyPrefix.Length..])] = value.ToUpperInvariant();
        }
        parsed = parsed with { Safety = safety };
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of a bot.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static GeminiBotOptions Parse(BotDefinition bot) => TryParse(bot.Options, out var parsed, out var errors)
        ? parsed
        : throw OptionErrors.ToException($"Bot '{bot.Id}'", errors);

    private GeminiBotOptions With(string name, string value) => name switch
    {
        "thinking_budget" => this with { ThinkingBudget = int.Parse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) },
        "thinking_level" => this with { ThinkingLevel = value.ToUpperInvariant() },
        "include_thoughts" => this with { IncludeThoughts = value == "true" },
        "top_k" => this with { TopK = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) },
        "response_modalities" => this with { ResponseModalities = [.. value.Split(',').Select(word => word.Trim().ToUpperInvariant()).Distinct()] },
        _ => this,
    };

    private static string ToApi(string category) => $"HARM_CATEGORY_{category.ToUpperInvariant()}";

    private static string? OneOf(string value, params ReadOnlySpan<string> known) => known.Contains(value) ? null : $"expected {string.Join(", ", known)}";

    private static string? Number(string value, int min, int max) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? null
            : $"expected a whole number from {min} to {max}";
}

/// <summary>The options of an account (<see cref="AccountDefinition.Options"/>): Gemini has none.</summary>
public sealed record GeminiAccountOptions
{
    /// <inheritdoc cref="GeminiBotOptions.TryParse"/>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out GeminiAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new GeminiAccountOptions();
        errors = options.Keys.ToDictionary(name => name, _ => "unknown; Gemini accounts have no options");
        return options.Count == 0;
    }
}
