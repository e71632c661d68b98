using System.Globalization;
using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// A model and what its generation accepts. The API refuses settings that a model does not know, so the name decides what is sent. A name that shows no
/// generation (a tuned model, a model of another family) gets no setting that only some generations have.
/// </summary>
/// <param name="Name">The name in the fleet.</param>
/// <param name="Generation">2.5, 3 and so on; 0 if the name does not show it.</param>
internal sealed partial record GeminiModel(string Name, double Generation)
{
    private const int DefaultBudget = 8192;

    /// <summary>Whether thinking has levels (<c>thinkingLevel</c>) and not a budget of tokens.</summary>
    public bool HasThinkingLevels => Generation >= 3;

    /// <summary>Whether the model thinks, as far as its name shows.</summary>
    public bool Thinks => Generation >= 2.5 && !Name.Contains("image", StringComparison.Ordinal) && !Name.Contains("tts", StringComparison.Ordinal);

    /// <summary>Whether the model refuses a function call in the history that has lost its thought signature.</summary>
    public bool NeedsSignatures => Generation >= 3;

    /// <summary>Whether the model accepts tools together with a format of the answer.</summary>
    public bool HasFormatWithTools => Generation >= 3;

    /// <summary>Whether the model accepts the presence and frequency penalties.</summary>
    public bool HasPenalties => Generation < 3;

    private bool IsPro => Name.Contains("pro", StringComparison.Ordinal);

    /// <summary>Reads the name of a model: <c>gemini-2.5-flash</c>, <c>models/gemini-2.5-flash</c>, <c>tunedModels/mine</c>.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamNotFound"/>: it cannot be the name of a model.</exception>
    public static GeminiModel Parse(BotDefinition bot)
    {
        var name = bot.UpstreamBotId;
        if (!ValidName().IsMatch(name))
        {
            throw new ClusterException(
                ErrorCode.UpstreamNotFound, $"The bot_id of bot '{bot.Id}' is not the name of a Gemini model. Correct it in the fleet file.");
        }
        var generation = GenerationInName().Match(name) is { Success: true } match
            ? double.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture)
            : 0;
        return new GeminiModel(name, generation);
    }

    /// <summary>The path of a method of the model, below the version.</summary>
    public string Path(string method) => Name.Contains('/', StringComparison.Ordinal) ? $"/{Name}:{method}" : $"/models/{Name}:{method}";

    /// <summary>The tokens of thinking for OpenAI's word for the effort, as Google's own OpenAI-compatible API translates it.</summary>
    public int BudgetOf(string effort) => effort switch
    {
        // Pro models cannot stop thinking.
        "none" => IsPro ? 128 : 0,
        "minimal" or "low" => 1024,
        "high" or "xhigh" or "max" => 24_576,
        _ => DefaultBudget,
    };

    /// <summary>The level of thinking for OpenAI's word for the effort. Levels do not include "none", and pro models lack the lowest.</summary>
    public string LevelOf(string effort) => effort switch
    {
        "none" or "minimal" => IsPro ? "LOW" : "MINIMAL",
        "low" => "LOW",
        "medium" => "MEDIUM",
        _ => "HIGH",
    };

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex ValidName();

    [GeneratedRegex(@"(?:^|/)gemini-(\d{1,2}(?:\.\d{1,2})?)(?:-|$)", RegexOptions.CultureInvariant)]
    private static partial Regex GenerationInName();
}
