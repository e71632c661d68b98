namespace CozeCluster.Silo.Fleets;

/// <summary>What can only be said about all that has to do with Discord.</summary>
internal static class DiscordChecks
{
    /// <summary>Reports tokens that are used twice, and user accounts that are not allowed.</summary>
    public static void Run(Declared declared)
    {
        UniqueTokens(
            declared.Listeners.Select(listener => (listener.Listener.Token, listener.TokenAt)),
            "listener",
            "Discord gives a bot one connection");
        UniqueTokens(
            declared.Accounts.Where(IsDiscord).Select(account => (account.Account.Token ?? "", account.TokenAt)),
            "account",
            "an account may serve several bots, so that its limits are kept in one place");

        var isAllowed = declared.AllowUserAccounts.Flag() ?? false;
        foreach (var account in isAllowed ? [] : UserAccounts(declared))
        {
            account.OptionsAt.Entries().First(option => option.Key == "kind").Value.Report(
                "User accounts are refused unless 'allow_user_accounts: true' stands at the top of the file: "
                + "Discord's terms forbid automating them, and the account may be banned.");
        }
    }

    /// <summary>What operators are told of user accounts whenever the fleet is taken over.</summary>
    public static IReadOnlyList<string> Warnings(Declared declared)
    {
        var ids = UserAccounts(declared).Select(account => account.Account.Definition.Id).ToList();
        return ids.Count == 0 ? [] : [$"The fleet sends to Discord with user accounts ({string.Join(", ", ids)}). Discord's terms forbid automating user accounts; they may be banned."];
    }

    private static IEnumerable<DeclaredAccount> UserAccounts(Declared declared) => declared.Accounts.Where(account =>
        IsDiscord(account) && DiscordAccountOptions.TryParse(account.Account.Definition.Options, out var options, out _) && options.Kind == DiscordAccountKind.User);

    private static bool IsDiscord(DeclaredAccount account) => account.Account.Definition.Upstream == KnownUpstreams.Discord;

    private static void UniqueTokens(IEnumerable<(string Token, FleetField At)> tokens, string what, string why)
    {
        var seen = new Dictionary<string, FleetField>(StringComparer.Ordinal);
        foreach (var (token, at) in tokens)
        {
            if (token.Length == 0 || seen.TryAdd(token, at)) continue;
            at.Report($"This is the same token as that of the {what} in line {seen[token].Place.Line}; {why}.");
        }
    }
}
