namespace CozeCluster.Discord;

/// <summary>Whose token an account at Discord has.</summary>
public enum DiscordAccountKind
{
    /// <summary>A bot's: what Discord offers for automation. Coze's bots have not answered bots since 2024. The default.</summary>
    Bot,

    /// <summary>A person's, sent bare. Discord's terms forbid automating persons' accounts, and it bans those it finds.</summary>
    User,
}

/// <summary>What only Discord knows of an account: <see cref="AccountDefinition.Options"/>, under the names told here.</summary>
public sealed record DiscordAccountOptions
{
    /// <summary>Option <c>kind</c>: <c>bot</c> or <c>user</c>.</summary>
    public DiscordAccountKind Kind { get; init; }

    /// <summary>Option <c>user_agent</c>, printable ASCII, for kind <c>user</c>: the header of that name; null: the house's own, in the form that Discord asks of bots.</summary>
    public string? UserAgent { get; init; }

    /// <summary>Option <c>daily_posts</c>, 1 to 1,000,000: messages it may send from midnight to midnight UTC; null: no limit.</summary>
    public int? DailyPosts { get; init; }

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as the fleet has them.</param>
    /// <param name="parsed">What they say, without those that are wrong.</param>
    /// <param name="errors">For each option that is wrong, what was expected.</param>
    /// <returns>Whether all are right.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out DiscordAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        var values = new OptionValues(options);
        values.Know(["kind", "user_agent", "daily_posts"], "Discord accounts");
        parsed = new DiscordAccountOptions
        {
            Kind = values.OneOf<DiscordAccountKind>("kind") ?? DiscordAccountKind.Bot,
            UserAgent = values.Parsed("user_agent", text => text.Length is > 0 and <= 500 && !text.AsSpan().ContainsAnyExceptInRange(' ', '~') ? text : null, "1 to 500 printable ASCII characters"),
            DailyPosts = values.Number("daily_posts", 1, 1_000_000),
        };
        // Of a kind that is wrong nothing else is said.
        if (parsed.Kind == DiscordAccountKind.Bot && !values.Errors.ContainsKey("kind") && values.Has("user_agent")) values.Wrong("user_agent", "only for kind user; Discord asks bots to say who they are");
        errors = values.Errors;
        return errors.Count == 0;
    }

    /// <summary>An account's options.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamInvalidRequest"/>: some are wrong; names them all.</exception>
    public static DiscordAccountOptions Of(AccountDefinition account) => TryParse(account.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest, $"Account '{account.Id}' has wrong options: {string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value}"))}.");
}
