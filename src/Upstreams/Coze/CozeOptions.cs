using System.Globalization;
using System.Text.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>What only Coze knows of a bot: <see cref="BotDefinition.Options"/>. Fields of <c>/v3/chat</c> of the same names; what is not set is not sent.</summary>
public sealed record CozeOptions
{
    private const string Text = "parameters.";
    private const string Json = "parameters_json.";

    private const string Known =
        "connector_id, publish_status, bot_version, enable_card, latitude, longitude, parameters.<name>, parameters_json.<name>";

    /// <summary>Option <c>connector_id</c>: the channel the bot is published to. Coze's default is <c>1024</c>, the API.</summary>
    public string? ConnectorId { get; init; }

    /// <summary>Option <c>publish_status</c>: <c>published_online</c> (Coze's default) or <c>unpublished_draft</c>.</summary>
    public string? PublishStatus { get; init; }

    /// <summary>Option <c>bot_version</c>: a published version; Coze's default is the newest.</summary>
    public string? BotVersion { get; init; }

    /// <summary>Option <c>enable_card</c>, <c>true</c> or <c>false</c>: whether answers may be cards.</summary>
    public bool? EnableCard { get; init; }

    /// <summary>Option <c>latitude</c>, degrees from -90 to 90; sent in <c>extra_params</c>.</summary>
    public string? Latitude { get; init; }

    /// <summary>Option <c>longitude</c>, degrees from -180 to 180; sent in <c>extra_params</c>.</summary>
    public string? Longitude { get; init; }

    /// <summary>
    /// Options <c>parameters.&lt;name&gt;</c> (a text) and <c>parameters_json.&lt;name&gt;</c> (any JSON): inputs of a chatflow bot. Values are JSON.
    /// </summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as the fleet has them.</param>
    /// <param name="parsed">What they say, without those that are wrong.</param>
    /// <param name="errors">For each wrong option, what was expected.</param>
    /// <returns>Whether all are right.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out CozeOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        var read = new CozeOptions();
        var parameters = new Dictionary<string, string>();
        var wrong = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            var expected = name switch
            {
                "connector_id" => Filled(value),
                "bot_version" => Filled(value),
                "publish_status" => value is "published_online" or "unpublished_draft" ? null : "expected published_online or unpublished_draft",
                "enable_card" => value is "true" or "false" ? null : "expected true or false",
                "latitude" => Degrees(value, 90),
                "longitude" => Degrees(value, 180),
                _ when Parameter(name, Text) is { } parameter => Add(parameters, parameter, Quote(value)),
                _ when Parameter(name, Json) is { } parameter => IsJson(value) ? Add(parameters, parameter, value) : "expected JSON",
                _ => $"unknown; Coze bots have {Known}",
            };
            if (expected is not null) wrong[name] = expected;
            else read = With(read, name, value);
        }
        parsed = read with { Parameters = parameters };
        errors = wrong;
        return wrong.Count == 0;
    }

    internal static CozeOptions Parse(BotDefinition bot) => TryParse(bot.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest, $"Bot '{bot.Id}' has wrong options: {string.Join("; ", errors.Select(e => $"{e.Key}: {e.Value}"))}.");

    private static CozeOptions With(CozeOptions read, string name, string value) => name switch
    {
        "connector_id" => read with { ConnectorId = value },
        "bot_version" => read with { BotVersion = value },
        "publish_status" => read with { PublishStatus = value },
        "enable_card" => read with { EnableCard = value == "true" },
        "latitude" => read with { Latitude = value },
        "longitude" => read with { Longitude = value },
        _ => read,
    };

    private static string? Parameter(string name, string prefix) =>
        name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;

    private static string? Add(Dictionary<string, string> parameters, string name, string json) =>
        parameters.TryAdd(name, json) ? null : $"the parameter {name} is given twice";

    private static string? Filled(string value) => string.IsNullOrWhiteSpace(value) ? "expected a text" : null;

    private static string? Degrees(string value, int most) =>
        decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var degrees) && Math.Abs(degrees) <= most
            ? null
            : $"expected degrees from -{most} to {most}";

    private static string Quote(string value) => $"\"{JsonEncodedText.Encode(value)}\"";

    private static bool IsJson(string value)
    {
        try
        {
            using var _ = JsonDocument.Parse(value);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
