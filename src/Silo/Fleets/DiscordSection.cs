using CozeCluster.Discord;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>listeners</c>, and checks what concerns Discord in the fleet as a whole.</summary>
internal static class DiscordSection
{
    // Far more than the largest Discord bots have.
    private const int MaxShards = 10_000;

    /// <summary>Reads the section <c>listeners</c>.</summary>
    public static IReadOnlyList<DeclaredListener> Read(FleetField section) =>
        [.. section.List("listener").Select(item => item.Map(ReadListener)).OfType<DeclaredListener>()];

    /// <summary>Reports tokens that are used twice.</summary>
    public static void Check(Declared declared)
    {
        CheckUniqueTokens(
            declared.Listeners.Select(listener => (listener.Listener.Token, listener.TokenAt)),
            "listener",
            "Discord gives a bot one connection");
        CheckUniqueTokens(
            declared.Accounts.Where(IsDiscord).Select(account => (account.Account.Token ?? "", account.TokenAt)),
            "account",
            "an account may serve several bots, so that its limits are kept in one place");
    }

    /// <summary>Reports user accounts where the fleet does not allow them.</summary>
    public static void CheckUserAccounts(Declared declared)
    {
        var isAllowed = declared.AllowUserAccounts.Flag() ?? false;
        foreach (var account in isAllowed ? [] : UserAccounts(declared))
        {
            account.OptionsAt.Entries().First(option => option.Key == "kind").Value.Report(
                "User accounts are refused unless the file contains 'allow_user_accounts: true' at its top level: "
                + "Discord's terms forbid automating them, and the account may be banned.");
        }
    }

    /// <summary>Warnings about user accounts, and about bots that get no replies. They are logged whenever the fleet is applied.</summary>
    public static IReadOnlyList<string> Warnings(Declared declared)
    {
        var ids = UserAccounts(declared).Select(account => account.Account.Definition.Id).ToList();
        string[] risks = ids.Count == 0
            ? []
            :
            [
                $"The fleet sends to Discord with user accounts ({string.Join(", ", ids)}). Discord's terms forbid automating user accounts; they may be "
                + "banned.",
            ];
        var accounts = declared.Accounts.Select(account => account.Account.Definition).DistinctBy(account => account.Id).ToDictionary(account => account.Id);
        return [.. risks, .. declared.Bots.Select(bot => BotAccounts.WarningOf(bot.Definition, accounts.GetValueOrDefault)).OfType<string>()];
    }

    private static DeclaredListener ReadListener(FleetMap map)
    {
        var id = map.Required("id");
        var token = map.Optional("token");
        var file = map.Optional("token_file");
        map.RequireOneOf("token", "token_file");
        var definition = new ListenerDefinition
        {
            Id = id.Id(),
            Token = FleetListener.NoSecret,
            GuildId = map.Required("guild_id").Snowflake(),
            BaseUrl = map.Optional("base_url").BaseUrl() ?? KnownUpstreams.DiscordUrl,
            GatewayUrl = map.Optional("gateway_url").SocketUrl(),
            Shards = map.Optional("shards").Number(1, MaxShards) ?? 1,
        };
        return new DeclaredListener(id, token.Exists ? token : file, new FleetListener(definition, token.Token(file) ?? "", map.Optional("proxy").Proxy()));
    }

    /// <summary>Whether an account is the user account of a person.</summary>
    public static bool IsUserAccount(AccountDefinition account) =>
        account.Upstream == UpstreamNames.Discord
        && DiscordAccountOptions.TryParse(account.Options, out var options, out _)
        && options.Kind == DiscordAccountKind.User;

    private static IEnumerable<DeclaredAccount> UserAccounts(Declared declared) =>
        declared.Accounts.Where(account => IsUserAccount(account.Account.Definition));

    private static bool IsDiscord(DeclaredAccount account) => account.Account.Definition.Upstream == UpstreamNames.Discord;

    private static void CheckUniqueTokens(IEnumerable<(string Token, FleetField At)> tokens, string what, string why)
    {
        var seen = new Dictionary<string, FleetField>(StringComparer.Ordinal);
        foreach (var (token, at) in tokens)
        {
            if (token.Length == 0 || seen.TryAdd(token, at)) continue;
            at.Report($"This is the same token as that of the {what} in {seen[token].Place.Where}; {why}.");
        }
    }
}
