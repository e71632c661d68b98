using System.Globalization;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// The options of a bot (<see cref="BotDefinition.Options"/>) that only Coze has: fields of <c>/v3/chat</c> with the same names. A field without its option
/// is not sent.
/// </summary>
public sealed record CozeBotOptions
{
    private const string TextPrefix = "parameters.";
    private const string JsonPrefix = "parameters_json.";

    private const string Known =
        "connector_id, publish_status, bot_version, enable_card, latitude, longitude, parameters.<name>, parameters_json.<name>";

    /// <summary>Option <c>connector_id</c>: the channel that the bot is published to. Coze's default is <c>1024</c>, the API.</summary>
    public string? ConnectorId { get; init; }

    /// <summary>Option <c>publish_status</c>: <c>published_online</c> (Coze's default) or <c>unpublished_draft</c>.</summary>
    public string? PublishStatus { get; init; }

    /// <summary>Option <c>bot_version</c>: a published version. Coze's default is the newest.</summary>
    public string? BotVersion { get; init; }

    /// <summary>Option <c>enable_card</c>, <c>true</c> or <c>false</c>: whether answers may be cards.</summary>
    public bool? EnableCard { get; init; }

    /// <summary>Option <c>latitude</c>, degrees from -90 to 90; sent in <c>extra_params</c>.</summary>
    public string? Latitude { get; init; }

    /// <summary>Option <c>longitude</c>, degrees from -180 to 180; sent in <c>extra_params</c>.</summary>
    public string? Longitude { get; init; }

    /// <summary>
    /// Options <c>parameters.&lt;name&gt;</c> (a text) and <c>parameters_json.&lt;name&gt;</c> (any JSON): the inputs of a chatflow bot. The values are JSON.
    /// </summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Parses options.</summary>
    /// <param name="options">The names and values in the fleet.</param>
    /// <param name="parsed">The parsed options, without the invalid ones.</param>
    /// <param name="errors">What was expected, by the name of each invalid option.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out CozeBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new CozeBotOptions();
        var parameters = new Dictionary<string, string>();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            var expected = name switch
            {
                "connector_id" or "bot_version" => string.IsNullOrWhiteSpace(value) ? "expected a text" : null,
                "publish_status" => value is "published_online" or "unpublished_draft" ? null : "expected published_online or unpublished_draft",
                "enable_card" => value is "true" or "false" ? null : "expected true or false",
                "latitude" => CheckDegrees(value, 90),
                "longitude" => CheckDegrees(value, 180),
                _ when TryGetParameter(name, TextPrefix) is { } parameter => AddParameter(parameters, parameter, Quote(value)),
                _ when TryGetParameter(name, JsonPrefix) is { } parameter =>
                    LenientJson.IsJson(value) ? AddParameter(parameters, parameter, value) : "expected JSON",
                _ => $"unknown; Coze bots have {Known}",
            };
            if (expected is not null) invalid[name] = expected;
            else parsed = parsed.With(name, value);
        }
        parsed = parsed with { Parameters = parameters };
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of a bot.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static CozeBotOptions Parse(BotDefinition bot) =>
        TryParse(bot.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Bot '{bot.Id}'", errors);

    private CozeBotOptions With(string name, string value) => name switch
    {
        "connector_id" => this with { ConnectorId = value },
        "bot_version" => this with { BotVersion = value },
        "publish_status" => this with { PublishStatus = value },
        "enable_card" => this with { EnableCard = value == "true" },
        "latitude" => this with { Latitude = value },
        "longitude" => this with { Longitude = value },
        _ => this,
    };

    private static string? TryGetParameter(string name, string prefix) =>
        name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;

    private static string? AddParameter(Dictionary<string, string> parameters, string name, string json) =>
        parameters.TryAdd(name, json) ? null : $"the parameter {name} is given twice";

    private static string? CheckDegrees(string value, int max) =>
        decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var degrees) && Math.Abs(degrees) <= max
            ? null
            : $"expected degrees from -{max} to {max}";

    private static string Quote(string value) => $"\"{JsonEncodedText.Encode(value)}\"";
}

/// <summary>The options of an account (<see cref="AccountDefinition.Options"/>) that only Coze has.</summary>
public sealed record CozeAccountOptions
{
    private const int MinSeconds = 60;
    private const int MaxSeconds = 86_399;

    /// <summary>
    /// Option <c>token_lifetime_seconds</c>: the lifetime that is requested for OAuth access tokens, from 60 s to 86,399 s (Coze's limit). Default: one hour.
    /// </summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <inheritdoc cref="CozeBotOptions.TryParse"/>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out CozeAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new CozeAccountOptions();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            if (name != "token_lifetime_seconds")
                invalid[name] = "unknown; Coze accounts have token_lifetime_seconds";
            else if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= MinSeconds and <= MaxSeconds)
                parsed = parsed with { TokenLifetime = TimeSpan.FromSeconds(seconds) };
            else
                invalid[name] = $"expected a whole number from {MinSeconds} to {MaxSeconds}";
        }
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of an account.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static CozeAccountOptions Parse(AccountDefinition account) =>
        TryParse(account.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Account '{account.Id}'", errors);
}
