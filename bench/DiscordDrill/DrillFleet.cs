using CozeCluster.Bench;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>The fleet. The storm uses one model with three bots, one on each listener. Each cadence has its own model with its own bot.</summary>
internal static class DrillFleet
{
    public const string Key = "key-of-the-drill";
    public const string StormModel = "storm";

    public static string ModelFor(int cadence) => $"paced-{cadence}";

    public static string Create(Uri api, IReadOnlyList<int> cadences) => $$"""
        {{DiscordFleetFile.TenantListenersAndAccounts(api, Key)}}
        bots:
        {{DiscordFleetFile.Lines(DiscordSeeds.Listeners, user => Bot($"{StormModel}-{user.Name}", user.Name, "keep_for: 1m"))}}
        {{DiscordFleetFile.Lines(cadences.Index(), cadence => Bot(ModelFor(cadence.Item), ListenerOf(cadence.Index), "delete_after: 30s"))}}
        models:
          - { id: {{StormModel}}, bots: [{{string.Join(", ", DiscordSeeds.Listeners.Select(user => $"{StormModel}-{user.Name}"))}}] }
        {{DiscordFleetFile.Lines(cadences, cadence => $$"""{ id: {{ModelFor(cadence)}}, bots: [{{ModelFor(cadence)}}] }""")}}
        """;

    private static string ListenerOf(int index) => DiscordSeeds.Listeners[index % DiscordSeeds.Listeners.Count].Name;

    private static string Bot(string id, string listener, string option) =>
        $"{{ id: {id}, upstream: discord, bot_id: {DiscordSeeds.CozeBots[0].Id}, accounts: [{DiscordFleetFile.AccountIds}], " +
        $"options: {{ listener: {listener}, {option} }} }}";
}
