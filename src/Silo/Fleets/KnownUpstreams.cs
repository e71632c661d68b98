using CozeCluster.Discord;
using CozeCluster.Upstreams.Coze;

namespace CozeCluster.Silo.Fleets;

/// <summary>Checks the options of an account or a bot.</summary>
/// <returns>For each wrong option, what was expected.</returns>
internal delegate IReadOnlyDictionary<string, string> OptionsCheck(IReadOnlyDictionary<string, string> options);

/// <summary>What a fleet file may say about an upstream.</summary>
/// <param name="Name">The upstream's name.</param>
/// <param name="BaseUrl">Where it is unless an account says otherwise.</param>
/// <param name="CheckAccount">Checks options of its accounts.</param>
/// <param name="CheckBot">Checks options of its bots.</param>
/// <param name="BotId">Reads the id of one of its bots.</param>
/// <param name="TakesOAuth">Whether its accounts may have an OAuth application instead of a token.</param>
internal sealed record KnownUpstream(string Name, string BaseUrl, OptionsCheck CheckAccount, OptionsCheck CheckBot, Func<Field, string> BotId, bool TakesOAuth);

/// <summary>The upstreams that fleets may name.</summary>
internal static class KnownUpstreams
{
    /// <summary>The upstream whose bots hear through listeners.</summary>
    public const string Discord = "discord";

    /// <summary>Where Discord's REST API is.</summary>
    public const string DiscordUrl = "https://discord.com/api/v10";

    private static readonly KnownUpstream[] All =
    [
        new("coze", "https://api.coze.com", CozeAccount, CozeBot, FieldForms.ForeignId, TakesOAuth: true),
        new(Discord, DiscordUrl, DiscordAccount, DiscordBot, FieldForms.Snowflake, TakesOAuth: false),
    ];

    public static IEnumerable<string> Names => All.Select(upstream => upstream.Name);

    /// <summary>The upstream of that name, or null.</summary>
    public static KnownUpstream? Find(string name) => Array.Find(All, upstream => upstream.Name == name);

    private static IReadOnlyDictionary<string, string> CozeAccount(IReadOnlyDictionary<string, string> options)
    {
        CozeAccountOptions.TryParse(options, out _, out var wrong);
        return wrong;
    }

    private static IReadOnlyDictionary<string, string> CozeBot(IReadOnlyDictionary<string, string> options)
    {
        CozeOptions.TryParse(options, out _, out var wrong);
        return wrong;
    }

    private static IReadOnlyDictionary<string, string> DiscordAccount(IReadOnlyDictionary<string, string> options)
    {
        DiscordAccountOptions.TryParse(options, out _, out var wrong);
        return wrong;
    }

    private static IReadOnlyDictionary<string, string> DiscordBot(IReadOnlyDictionary<string, string> options)
    {
        DiscordBotOptions.TryParse(options, out _, out var wrong);
        return wrong;
    }
}
