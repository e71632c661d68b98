using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>The part of the demo fleet that uses the fake Coze.</summary>
internal static class DemoCoze
{
    /// <summary>A model with several bots and accounts.</summary>
    public const string Model = "coze-sandbox";

    /// <summary>A bot that its platform refuses to run.</summary>
    public const string UnpublishedBot = "sandbox-draft";

    private const string Upstream = UpstreamNames.Coze;

    public static IReadOnlyList<(string Model, string Description)> Models { get; } =
    [
        (Model, "three bots on two accounts"),
        ("coze-sandbox-single", "one bot"),
        ("coze-sandbox-rotating", "its first account has expired, so the second is used"),
        ("coze-sandbox-unauthorized", "its only account has expired"),
        ("coze-sandbox-unpublished", "its bot is not published"),
    ];

    public static IReadOnlyList<BotDefinition> Bots { get; } =
    [
        Bot("sandbox-one", "7350000000000000001", "sandbox-1", "sandbox-2"),
        Bot("sandbox-two", "7350000000000000002", "sandbox-2", "sandbox-1"),
        Bot("sandbox-three", "7350000000000000003", "sandbox-1"),
        Bot("sandbox-rotating", "7350000000000000004", "sandbox-expired", "sandbox-1"),
        Bot("sandbox-unauthorized", "7350000000000000004", "sandbox-expired"),
        Bot(UnpublishedBot, "7350000000000000009", "sandbox-1"),
    ];

    public static IReadOnlyList<ModelDefinition> Pools { get; } =
    [
        Pool(Model, "sandbox-one", "sandbox-two", "sandbox-three"),
        Pool("coze-sandbox-single", "sandbox-one"),
        Pool("coze-sandbox-rotating", "sandbox-rotating"),
        Pool("coze-sandbox-unauthorized", "sandbox-unauthorized"),
        Pool("coze-sandbox-unpublished", UnpublishedBot),
    ];

    public static IEnumerable<FleetAccount> Accounts(Uri coze) =>
        [Account("sandbox-1", "pat_sandbox", coze), Account("sandbox-2", "pat_sandbox_2", coze), Account("sandbox-expired", "pat_sandbox_expired", coze)];

    private static FleetAccount Account(string id, string token, Uri coze) =>
        new(new AccountDefinition { Id = id, Upstream = Upstream, BaseUrl = coze.ToString().TrimEnd('/') }, token, OAuth: null, Proxy: null);

    private static BotDefinition Bot(string id, string upstreamBotId, params string[] accounts) =>
        new() { Id = id, Upstream = Upstream, UpstreamBotId = upstreamBotId, Accounts = accounts };

    private static ModelDefinition Pool(string id, params string[] bots) => new() { Id = id, Bots = bots };
}
