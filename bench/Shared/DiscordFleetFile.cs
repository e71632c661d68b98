using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Bench;

/// <summary>The parts that fleet files for the fake Discord share.</summary>
internal static class DiscordFleetFile
{
    /// <summary>The server in which all bots are.</summary>
    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    /// <summary>The ids of all accounts, separated by commas.</summary>
    public static string AccountIds => string.Join(", ", DiscordSeeds.Accounts.Select(user => user.Name));

    /// <summary>A tenant with one key, all listeners and all accounts.</summary>
    /// <param name="api">The URL of the fake Discord's REST API.</param>
    /// <param name="key">The tenant's API key.</param>
    public static string TenantListenersAndAccounts(Uri api, string key) => $$"""
        allow_user_accounts: true
        tenants:
          - id: drill
            keys: [{ name: drill, key: {{key}} }]
        listeners:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: {{user.Name}}, base_url: "{{api}}", guild_id: {{Guild.Id}}, token: {{user.Token}} }""")}}
        accounts:
        {{Lines(DiscordSeeds.Accounts, user => Account(user, api))}}
        """;

    /// <summary>A list in YAML.</summary>
    public static string Lines<T>(IEnumerable<T> items, Func<T, string> line) => string.Join('\n', items.Select(item => $"  - {line(item)}"));

    private static string Account(SeededUser user, Uri api) =>
        $$"""{ id: {{user.Name}}, upstream: discord, base_url: "{{api}}", token: {{user.Token}}, options: { kind: user } }""";
}
