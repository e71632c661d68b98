using System.Globalization;
using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// What a model accepts, by its name (<c>claude-sonnet-4-5-20250929</c>, <c>claude-3-7-sonnet-latest</c>). A Claude model without a version is taken for a new
/// one. A model with another name, of a compatible server, is taken for one of the first versions with thinking.
/// </summary>
/// <param name="Version">The version, 4.5 as 405; 0 for a model of a compatible server.</param>
internal readonly partial record struct ClaudeModel(int Version)
{
    private const int Newest = int.MaxValue;

    // The limit of the models from 3.7 on is at least this one.
    private const int ManyTokens = 32_000;
    private const int FewTokens = 4_096;

    /// <summary>Reads the version in a name.</summary>
    public static ClaudeModel Of(string name)
    {
        if (!name.Contains("claude", StringComparison.OrdinalIgnoreCase)) return new ClaudeModel(0);
        if (VersionInName().Match(name) is not { Success: true } match) return new ClaudeModel(Newest);
        var minor = match.Groups["minor"] is { Success: true } group ? int.Parse(group.Value, CultureInfo.InvariantCulture) : 0;
        return new ClaudeModel(int.Parse(match.Groups["major"].Value, CultureInfo.InvariantCulture) * 100 + minor);
    }

    /// <summary>The output tokens of a turn if neither its client nor the bot limits them.</summary>
    public int DefaultMaxTokens => Version is 0 or >= 307 ? ManyTokens : FewTokens;

    /// <summary>Whether it thinks with a budget of tokens.</summary>
    public bool HasThinkingBudget => Version is 0 or (>= 307 and < 406);

    /// <summary>Whether it decides itself how much it thinks, by an effort: <c>low</c>, <c>medium</c>, <c>high</c> or <c>max</c>.</summary>
    public bool HasAdaptiveThinking => Version >= 406;

    /// <summary>Whether it has the effort <c>xhigh</c>, between <c>high</c> and <c>max</c>.</summary>
    public bool HasExtraHighEffort => Version >= 407;

    /// <summary>
    /// Whether it continues a prompt that ends with an answer. Newer models refuse such a prompt, and not every compatible server knows it.
    /// </summary>
    public bool HasPrefill => Version is > 0 and < 406;

    /// <summary>Whether temperature and top_p may differ from their defaults.</summary>
    public bool HasSampling => Version <= 406;

    /// <summary>Whether a request may have both, a temperature and a top_p.</summary>
    public bool HasTemperatureWithTopP => Version < 401;

    /// <summary>Whether it follows JSON schemas exactly (<c>output_config.format</c>, strict tools).</summary>
    public bool HasStructuredOutputs => Version >= 405;

    // A date (20250929) is not a version.
    [GeneratedRegex(@"(?<![\d.])(?<major>\d{1,2})(?:[-.](?<minor>\d{1,2}))?(?!\d)", RegexOptions.CultureInvariant)]
    private static partial Regex VersionInName();
}
