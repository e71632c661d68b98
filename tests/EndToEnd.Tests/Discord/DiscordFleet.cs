using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>A fleet over the fake Discord: a model for each channel mode, each with a bot on every listener, all bots with all accounts.</summary>
internal static class DiscordFleet
{
    public const string Fresh = "discord-fresh";
    public const string Thread = "discord-thread";
    public const string Fixed = "discord-fixed";

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    /// <summary>The file.</summary>
    /// <param name="api">Where the fake Discord's REST API is.</param>
    public static string For(Uri api) => $$"""
        allow_user_accounts: true
        tenants:
          - id: main
            keys: [{ name: app, key: {{TestFleet.Key}} }]
        listeners:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: {{user.Name}}, base_url: "{{api}}", guild_id: {{Guild.Id}}, token: {{user.Token}} }""")}}
        accounts:
        {{Lines(DiscordSeeds.Accounts, user => $$"""{ id: {{user.Name}}, upstream: discord, base_url: "{{api}}", token: {{user.Token}}, options: { kind: user } }""")}}
        bots:
        {{Bots(Fresh, $"category_id: {Guild.CategoryId}")}}
        {{Bots(Thread, $"channel_id: {Guild.GeneralId}")}}
        {{Bots(Fixed, $"channel_id: {Guild.FixedId}")}}
        models:
        {{Lines([Fresh, Thread, Fixed], model => $$"""{ id: {{model}}, bots: [{{string.Join(", ", DiscordSeeds.Listeners.Select(listener => $"{model}-{listener.Name}"))}}] }""")}}
        """;

    private static string Bots(string model, string place) => Lines(DiscordSeeds.Listeners, listener => $$"""
        { id: {{model}}-{{listener.Name}}, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [{{string.Join(", ", DiscordSeeds.Accounts.Select(account => account.Name))}}], options: { listener: {{listener.Name}}, channel: {{model["discord-".Length..]}}, {{place}}, delete_after: 0s } }
        """);

    private static string Lines<T>(IEnumerable<T> items, Func<T, string> line) => string.Join('\n', items.Select(item => $"  - {line(item)}"));
}
