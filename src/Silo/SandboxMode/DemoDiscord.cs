using CozeCluster.Sandbox.Discord;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>
/// The part of the demo fleet that uses the first server of the fake Discord: listeners, user accounts and bots that Coze hosts.
/// User accounts need no permission here, because nothing leaves the machine.
/// </summary>
internal static class DemoDiscord
{
    /// <summary>The path of the REST API of the fake Discord.</summary>
    public const string ApiPath = "discord/api/v10";

    private const string Model = "discord-sandbox";

    private static readonly SeededGuild Guild = DiscordSeeds.Guilds[0];

    public static IReadOnlyList<(string Model, string Description)> Models { get; } =
    [
        (Model, "three bots on Discord, each conversation in a channel of its own"),
        ($"{Model}-thread", "each conversation in a thread of its own"),
        ($"{Model}-fixed", "all conversations in one channel"),
    ];

    // The model that creates the most channels has a bot for each of three listeners.
    public static IReadOnlyList<BotDefinition> Bots { get; } =
    [
        .. DiscordSeeds.Listeners.Select((listener, i) => Bot($"sandbox-{listener.Name}", i, "fresh", "category_id", Guild.CategoryId)),
        Bot("sandbox-thread", 0, "thread", "channel_id", Guild.GeneralId),
        Bot("sandbox-fixed", 1, "fixed", "channel_id", Guild.FixedId),
    ];

    public static IReadOnlyList<ModelDefinition> Pools { get; } =
    [
        new() { Id = Model, Bots = [.. DiscordSeeds.Listeners.Select(listener => $"sandbox-{listener.Name}")] },
        new() { Id = $"{Model}-thread", Bots = ["sandbox-thread"] },
        new() { Id = $"{Model}-fixed", Bots = ["sandbox-fixed"] },
    ];

    public static IEnumerable<FleetListener> Listeners(Uri api) => DiscordSeeds.Listeners.Select(listener => new FleetListener(
        new ListenerDefinition { Id = listener.Name, BaseUrl = api.ToString(), Token = FleetListener.NoSecret, GuildId = Guild.Id },
        listener.Token,
        Proxy: null));

    public static IEnumerable<FleetAccount> Accounts(Uri api) => DiscordSeeds.Accounts.Select(account => new FleetAccount(
        new AccountDefinition
        {
            Id = $"sandbox-{account.Name}",
            Upstream = UpstreamNames.Discord,
            BaseUrl = api.ToString(),
            Options = new Dictionary<string, string> { ["kind"] = "user" },
        },
        account.Token,
        OAuth: null,
        Proxy: null));

    private static BotDefinition Bot(string id, int number, string channel, string placeOption, string place) => new()
    {
        Id = id,
        Upstream = UpstreamNames.Discord,
        UpstreamBotId = DiscordSeeds.CozeBots[number % DiscordSeeds.CozeBots.Count].Id,
        Accounts = [.. DiscordSeeds.Accounts.Select(account => $"sandbox-{account.Name}")],
        Options = new Dictionary<string, string> { ["listener"] = DiscordSeeds.Listeners[number].Name, ["channel"] = channel, [placeOption] = place },
    };
}
