namespace CozeCluster.Migration.Sources;

/// <summary>Tells which system a part of an old configuration belongs to.</summary>
internal static class Detection
{
    /// <summary>Where the files of the systems are, from the folder that is given. The first that exists counts.</summary>
    public static IReadOnlyList<string> Documents(OldSystem system) => system switch
    {
        OldSystem.Cdp => ["config/bot_config.json", "data/config/bot_config.json", "bot_config.json"],
        OldSystem.Ccp => ["bot.json", "data/bot.json"],
        OldSystem.Cdb => ["Config.yml", "Config.yaml", "config.yml"],
        OldSystem.Rca => ["config.json"],
        _ => ["c.yaml", "etc/c.yaml", "data/etc/c.yaml"],
    };

    /// <summary>Where variables may be.</summary>
    public static IReadOnlyList<string> VariableFiles { get; } =
        ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml", ".env", "config"];

    /// <summary>The system of a configuration file, or null.</summary>
    public static OldSystem? OfDocument(SourceNode document)
    {
        if (document.Items is { } items)
        {
            var first = items.FirstOrDefault(item => item.Entries is not null);
            if (first?.HasAny("cozeBotId", "proxySecret") == true) return OldSystem.Cdp;
            return first?.HasAny("coze_bot_id", "bot_token") == true ? OldSystem.Ccp : null;
        }
        if (document.HasAny("Bots", "APIPort", "APISSLPort", "CozeBot_id", "OpenAPI_Chat_Default_Channel")) return OldSystem.Cdb;
        if (document.HasAny("bot_id") && document.HasAny("work_info", "space_id")) return OldSystem.Rca;
        return document.HasAny("openai", "google_gemini", "claude", "coze", "bing", "arkose", "hars_path", "https_info") ? OldSystem.AiProxy : null;
    }

    /// <summary>Whether a document is a fleet file of ours.</summary>
    public static bool IsFleet(SourceNode document) => document.HasAny("tenants") && document.HasAny("models");

    /// <summary>The systems whose variables are among these.</summary>
    public static IReadOnlyList<OldSystem> OfVariables(SourceNode variables) =>
    [
        .. new (OldSystem System, bool Is)[]
        {
            (OldSystem.Cdp, variables.HasAny("USER_AUTHORIZATION", "BOT_TOKEN", "COZE_BOT_ID", "PROXY_SECRET")),
            (OldSystem.Ccp, variables.HasAny("AUTH_TOKEN", "BOT_CONFIG")),
            (OldSystem.Cdb, variables.HasAny("discord_server", "coze_bot")),
            (OldSystem.Rca, variables.HasAny("session_id", "bot_config_path")),
        }.Where(pair => pair.Is).Select(pair => pair.System),
    ];
}
