using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>The fleet: a model over three bots, one on each listener, for the storm; a model with a bot of its own for each cadence.</summary>
internal static class DrillFleet
{
    public const string Key = "key-of-the-drill";
    public const string Storm = "storm";

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    public static string Paced(int cadence) => $"paced-{cadence}";

    public static string For(Uri api, IReadOnlyList<int> cadences) => $$"""
        allow_user_accounts: true
        tenants:
          - id: drill
            keys: [{ name: drill, key: {{Key}} }]
        listeners:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: {{user.Name}}, base_url: "{{api}}", guild_id: {{Guild.Id}}, token: {{user.Token}} }""")}}
        accounts:
        {{Lines(DiscordSeeds.Accounts, user => $$"""{ id: {{user.Name}}, upstream: discord, base_url: "{{api}}", token: {{user.Token}}, options: { kind: user } }""")}}
        bots:
        {{Lines(DiscordSeeds.Listeners, user => Bot($"{Storm}-{user.Name}", user.Name, "keep_for: 1m"))}}
        {{Lines(cadences.Index(), one => Bot(Paced(one.Item), DiscordSeeds.Listeners[one.Index % DiscordSeeds.Listeners.Count].Name, "delete_after: 30s"))}}
        models:
          - { id: {{Storm}}, bots: [{{string.Join(", ", DiscordSeeds.Listeners.Select(user => $"{Storm}-{user.Name}"))}}] }
        {{Lines(cadences, cadence => $$"""{ id: {{Paced(cadence)}}, bots: [{{Paced(cadence)}}] }""")}}
        """;

    private static string Bot(string id, string listener, string more) => $$"""
        { id: {{id}}, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [{{string.Join(", ", DiscordSeeds.Accounts.Select(user => user.Name))}}], options: { listener: {{listener}}, {{more}} } }
        """;

    private static string Lines<T>(IEnumerable<T> items, Func<T, string> line) => string.Join('\n', items.Select(item => $"  - {line(item)}"));
}
