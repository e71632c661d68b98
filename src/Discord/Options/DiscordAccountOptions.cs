namespace CozeCluster.Discord;

/// <summary>The kind of a Discord account.</summary>
public enum DiscordAccountKind
{
    /// <summary>A bot, which is what Discord offers for automation. Coze's bots have not answered bots since 2024. The default.</summary>
    Bot,

    /// <summary>
    /// A person's account, whose token is sent without a prefix. Discord's terms forbid automating such accounts, and Discord bans those that it finds.
    /// </summary>
    User,
}

/// <summary>Options of an account that only Discord has: <see cref="AccountDefinition.Options"/>, under the names given here.</summary>
public sealed record DiscordAccountOptions
{
    /// <summary>Option <c>kind</c>: <c>bot</c> or <c>user</c>.</summary>
    public DiscordAccountKind Kind { get; init; }

    /// <summary>
    /// Option <c>user_agent</c>, printable ASCII, for kind <c>user</c>: the header of that name; null: this project's own, in the form that Discord requires of
    /// bots.
    /// </summary>
    public string? UserAgent { get; init; }

    /// <summary>Option <c>daily_posts</c>, 1 to 1,000,000: messages that the account may post from midnight to midnight UTC; null: no limit.</summary>
    public int? DailyPosts { get; init; }

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as in the fleet.</param>
    /// <param name="parsed">The options, with defaults instead of those that are wrong.</param>
    /// <param name="errors">For each option that is wrong, what was expected.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(
        IReadOnlyDictionary<string, string> options, out DiscordAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        var values = new OptionValues(options);
        values.AllowOnly(["kind", "user_agent", "daily_posts"], "Discord accounts");
        parsed = new DiscordAccountOptions
        {
            Kind = values.OneOf<DiscordAccountKind>("kind") ?? DiscordAccountKind.Bot,
            UserAgent = values.Parse("user_agent", text => IsUserAgent(text) ? text : null, "1 to 500 printable ASCII characters"),
            DailyPosts = values.Number("daily_posts", 1, 1_000_000),
        };
        // If the kind itself is wrong, that error is enough.
        if (parsed.Kind == DiscordAccountKind.Bot && !values.Errors.ContainsKey("kind") && values.Has("user_agent"))
        {
            values.AddError("user_agent", "only for kind user; Discord requires bots to say who they are");
        }
        errors = values.Errors;
        return errors.Count == 0;
    }

    /// <summary>Reads the options of an account.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamInvalidRequest"/>: some options are wrong; the message lists all of them.</exception>
    public static DiscordAccountOptions Of(AccountDefinition account) => TryParse(account.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest,
            $"The Discord account '{account.Id}' has wrong options: {string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value}"))}.");

    private static bool IsUserAgent(string text) => text.Length is > 0 and <= 500 && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
