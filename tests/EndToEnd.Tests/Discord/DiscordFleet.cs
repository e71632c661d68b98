using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>A fleet on the fake Discord: a model for each channel mode, with one bot for each listener. All bots use all accounts.</summary>
internal static class DiscordFleet
{
    public const string Fresh = "discord-fresh";
    public const string Thread = "discord-thread";
    public const string Fixed = "discord-fixed";

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    /// <summary>Creates the text of the fleet file.</summary>
    /// <param name="api">The URL of the fake Discord's REST API.</param>
    public static string Create(Uri api) => $$"""
        allow_user_accounts: true
        tenants:
          - id: main
            keys: [{ name: app, key: {{TestFleet.Key}} }]
        listeners:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: {{user.Name}}, base_url: "{{api}}", guild_id: {{Guild.Id}}, token: {{user.Token}} }""")}}
        accounts:
        {{Lines(DiscordSeeds.Accounts, user => Account(user, api))}}
        bots:
        {{Bots(Fresh, $"category_id: {Guild.CategoryId}")}}
        {{Bots(Thread, $"channel_id: {Guild.GeneralId}")}}
        {{Bots(Fixed, $"channel_id: {Guild.FixedId}")}}
        models:
        {{Lines([Fresh, Thread, Fixed], Model)}}
        """;

    private static string Account(SeededUser user, Uri api) =>
        $$"""{ id: {{user.Name}}, upstream: discord, base_url: "{{api}}", token: {{user.Token}}, options: { kind: user } }""";

    private static string Bots(string model, string place)
    {
        var accounts = string.Join(", ", DiscordSeeds.Accounts.Select(account => account.Name));
        return Lines(DiscordSeeds.Listeners, listener =>
            $"{{ id: {model}-{listener.Name}, upstream: discord, bot_id: {DiscordSeeds.CozeBots[0].Id}, accounts: [{accounts}], "
            + $"options: {{ listener: {listener.Name}, channel: {model["discord-".Length..]}, {place}, delete_after: 0s }} }}");
    }

    private static string Model(string model) =>
        $"{{ id: {model}, bots: [{string.Join(", ", DiscordSeeds.Listeners.Select(listener => $"{model}-{listener.Name}"))}] }}";

    private static string Lines<T>(IEnumerable<T> items, Func<T, string> line) => string.Join('\n', items.Select(item => $"  - {line(item)}"));
}
