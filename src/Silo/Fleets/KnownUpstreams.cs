using CozeCluster.Discord;
using CozeCluster.Upstreams.Claude;
using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Gemini;
using CozeCluster.Upstreams.OpenAi;

namespace CozeCluster.Silo.Fleets;

/// <summary>Checks the options of an account or a bot.</summary>
/// <returns>For each invalid option, what was expected.</returns>
internal delegate IReadOnlyDictionary<string, string> OptionsCheck(IReadOnlyDictionary<string, string> options);

/// <summary>What a fleet file may say about an upstream.</summary>
/// <param name="Name">The name of the upstream.</param>
/// <param name="BaseUrl">The URL of its API, for accounts without <c>base_url</c>.</param>
internal sealed record UpstreamDescription(string Name, string BaseUrl)
{
    /// <summary>Reads the id of one of its bots.</summary>
    public required Func<FleetField, string> ReadBotId { get; init; }

    public required OptionsCheck CheckAccountOptions { get; init; }

    public required OptionsCheck CheckBotOptions { get; init; }

    /// <summary>Whether its accounts may use an OAuth application instead of a token. Default: no.</summary>
    public bool AllowsOAuth { get; init; }

    /// <summary>The option of its bots that names a listener; null if its bots need none. Default: null.</summary>
    public string? ListenerOption { get; init; }
}

/// <summary>The upstreams that a fleet file may name.</summary>
internal static class KnownUpstreams
{
    /// <summary>The URL of Discord's REST API.</summary>
    public const string DiscordUrl = "https://discord.com/api/v10";

    private static readonly UpstreamDescription[] All =
    [
        new(UpstreamNames.Coze, "https://api.coze.com")
        {
            ReadBotId = field => field.UpstreamId(),
            CheckAccountOptions = ErrorsOf<CozeAccountOptions>(CozeAccountOptions.TryParse),
            CheckBotOptions = ErrorsOf<CozeBotOptions>(CozeBotOptions.TryParse),
            AllowsOAuth = true,
        },
        new(UpstreamNames.Discord, DiscordUrl)
        {
            ReadBotId = field => field.Snowflake(),
            CheckAccountOptions = ErrorsOf<DiscordAccountOptions>(DiscordAccountOptions.TryParse),
            CheckBotOptions = ErrorsOf<DiscordBotOptions>(DiscordBotOptions.TryParse),
            ListenerOption = "listener",
        },
        new(UpstreamNames.OpenAi, OpenAiApi.DefaultBaseUrl)
        {
            ReadBotId = field => field.UpstreamId(),
            CheckAccountOptions = ErrorsOf<OpenAiAccountOptions>(OpenAiAccountOptions.TryParse),
            CheckBotOptions = ErrorsOf<OpenAiBotOptions>(OpenAiBotOptions.TryParse),
        },
        new(UpstreamNames.Claude, ClaudeApi.DefaultBaseUrl)
        {
            ReadBotId = field => field.UpstreamId(),
            CheckAccountOptions = ErrorsOf<ClaudeAccountOptions>(ClaudeAccountOptions.TryParse),
            CheckBotOptions = ErrorsOf<ClaudeBotOptions>(ClaudeBotOptions.TryParse),
        },
        new(UpstreamNames.Gemini, GeminiApi.DefaultBaseUrl)
        {
            ReadBotId = field => field.UpstreamId(),
            CheckAccountOptions = ErrorsOf<GeminiAccountOptions>(GeminiAccountOptions.TryParse),
            CheckBotOptions = ErrorsOf<GeminiBotOptions>(GeminiBotOptions.TryParse),
        },
    ];

    private delegate bool OptionsParser<T>(IReadOnlyDictionary<string, string> options, out T parsed, out IReadOnlyDictionary<string, string> errors);

    public static IEnumerable<string> Names => All.Select(upstream => upstream.Name);

    /// <summary>The upstream with that name, or null.</summary>
    public static UpstreamDescription? Find(string name) => Array.Find(All, upstream => upstream.Name == name);

    private static OptionsCheck ErrorsOf<T>(OptionsParser<T> parse) => options =>
    {
        parse(options, out _, out var errors);
        return errors;
    };
}
