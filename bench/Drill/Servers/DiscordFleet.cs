using CozeCluster.Bench;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Drill;

/// <summary>A fleet on the fake Discord: one bot for each listener, the last of them in threads. All bots use all accounts.</summary>
internal static class DiscordFleet
{
    /// <summary>
    /// Replies without buttons end by silence. The silence must be longer than any pause of a restarting node, because the drill checks restarts and not the
    /// recognition of ends.
    /// </summary>
    public static string Create(Uri sandbox) => $$"""
        {{DiscordFleetFile.TenantListenersAndAccounts(new Uri(sandbox, "discord/api/v10"), Stage.Key)}}
        bots:
        {{DiscordFleetFile.Lines(DiscordSeeds.Listeners, Bot)}}
        models:
          - { id: {{Stage.Model}}, bots: [{{string.Join(", ", DiscordSeeds.Listeners.Select(user => $"bot-{user.Name}"))}}] }
        """;

    private static string Bot(SeededUser listener)
    {
        var place = listener == DiscordSeeds.Listeners[^1] ? $", channel: thread, channel_id: {DiscordFleetFile.Guild.GeneralId}" : "";
        return $"{{ id: bot-{listener.Name}, upstream: discord, bot_id: {DiscordSeeds.CozeBots[0].Id}, accounts: [{DiscordFleetFile.AccountIds}], "
            + $"options: {{ listener: {listener.Name}, delete_after: 1s, end.min_wait: 5s{place} }} }}";
    }
}
