namespace CozeCluster;

/// <summary>What every process has to know of the accounts that bots on Discord are asked with.</summary>
public static class BotAccounts
{
    /// <summary>The option of a Discord bot that says that it answers bots.</summary>
    public const string AnswersBots = "answers_bots";

    /// <summary>The option of a Discord account that says whose token it has.</summary>
    public const string Kind = "kind";

    /// <summary>The value of <see cref="Kind"/> of people's accounts.</summary>
    public const string User = "user";

    /// <summary>
    /// Warns of a bot on Discord all of whose accounts are bots: Coze's bots do not answer bots. Null if one of its accounts is a person's, if its option
    /// <see cref="AnswersBots"/> says otherwise, or if an account is not known.
    /// </summary>
    /// <param name="bot">The bot.</param>
    /// <param name="findAccount">Finds an account by its id; null if there is none.</param>
    /// <returns>One line that names the bot and says what to add to the fleet.</returns>
    public static string? WarningOf(BotDefinition bot, Func<string, AccountDefinition?> findAccount)
    {
        if (bot.Upstream != UpstreamNames.Discord || bot.Options.GetValueOrDefault(AnswersBots) == "true" || bot.Accounts.Count == 0) return null;
        if (bot.Accounts.Any(id => findAccount(id) is not { } account || account.Options.GetValueOrDefault(Kind) == User)) return null;
        return $"The bot '{bot.Id}' gets no replies from a bot that Coze hosts: all of its accounts ({string.Join(", ", bot.Accounts)}) are bots, and Coze's "
            + "bots have not answered bots since February 2024. Add an account with 'options: { kind: user }' to it, and 'allow_user_accounts: true' at the "
            + "top level of the fleet file. Or use the bot through an account of the upstream 'coze'. If it does answer bots, add 'answers_bots: true' to its "
            + "options.";
    }
}
