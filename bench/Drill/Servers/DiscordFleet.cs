using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Drill;

/// <summary>A fleet on the fake Discord: a bot on each listener, the last in threads, all with all accounts.</summary>
internal static class DiscordFleet
{
    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    /// <summary>Replies without buttons end by silence, and that is to be longer than any pause: what is drilled is the end of nodes, not the end of replies.</summary>
    public static string For(Uri sandbox) => $$"""
        allow_user_accounts: true
        tenants:
          - id: drill
            keys: [{ name: drill, key: {{Stage.Key}} }]
        listeners:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: {{user.Name}}, base_url: "{{Api(sandbox)}}", guild_id: {{Guild.Id}}, token: {{user.Token}} }""")}}
        accounts:
        {{Lines(DiscordSeeds.Accounts, user => $$"""{ id: {{user.Name}}, upstream: discord, base_url: "{{Api(sandbox)}}", token: {{user.Token}}, options: { kind: user } }""")}}
        bots:
        {{Lines(DiscordSeeds.Listeners, user => $$"""{ id: bot-{{user.Name}}, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [{{Names(DiscordSeeds.Accounts)}}], options: { listener: {{user.Name}}, delete_after: 1s, end.min_wait: 5s{{Place(user)}} } }""")}}
        models:
          - { id: {{Stage.Model}}, bots: [{{string.Join(", ", DiscordSeeds.Listeners.Select(user => $"bot-{user.Name}"))}}] }
        """;

    private static Uri Api(Uri sandbox) => new(sandbox, "discord/api/v10");

    private static string Place(SeededUser listener) => listener == DiscordSeeds.Listeners[^1] ? $", channel: thread, channel_id: {Guild.GeneralId}" : "";

    private static string Names(IEnumerable<SeededUser> users) => string.Join(", ", users.Select(user => user.Name));

    private static string Lines(IEnumerable<SeededUser> users, Func<SeededUser, string> line) => string.Join('\n', users.Select(user => $"  - {line(user)}"));
}
