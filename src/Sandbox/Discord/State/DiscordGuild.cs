namespace CozeCluster.Sandbox.Discord;

/// <summary>A guild with its roles, members and channels.</summary>
internal sealed class DiscordGuild
{
    public required ulong Id { get; init; }

    public required string Name { get; init; }

    public required ulong OwnerId { get; init; }

    public required GuildRole Everyone { get; init; }

    public required GuildRole Managers { get; init; }

    public Dictionary<ulong, GuildMember> Members { get; } = [];

    /// <summary>The channels, categories and threads by id.</summary>
    public SortedDictionary<ulong, DiscordChannel> Channels { get; } = [];

    /// <summary>Adds a member. Listeners become managers.</summary>
    public void Add(DiscordUser user, DateTimeOffset joinedAt) =>
        Members[user.Id] = new(user, IsManager: user.Kind == UserKind.Listener, joinedAt);

    /// <summary>The number of channels and categories, without threads.</summary>
    public int ChannelCount => Channels.Values.Count(channel => !channel.IsThread);

    public int CountChannelsIn(ulong category) => Channels.Values.Count(channel => !channel.IsThread && channel.Parent?.Id == category);
}

/// <summary>A role and its permissions.</summary>
internal sealed record GuildRole(ulong Id, string Name, Permission Permissions);

/// <summary>A user in a guild. Managers have the role <see cref="DiscordGuild.Managers"/>.</summary>
internal sealed record GuildMember(DiscordUser User, bool IsManager, DateTimeOffset JoinedAt);

/// <summary>The kinds of users.</summary>
internal enum UserKind
{
    Account,
    Listener,
    CozeBot,
}

/// <summary>A user account or a bot.</summary>
internal sealed class DiscordUser
{
    public required ulong Id { get; init; }

    public required string Username { get; init; }

    public required string Token { get; init; }

    public required UserKind Kind { get; init; }

    public bool IsBot => Kind != UserKind.Account;

    /// <summary>False after a revocation, or after more identifies than the daily limit.</summary>
    public bool IsTokenValid { get; set; } = true;

    /// <summary>Discord requires a verification, for example of a phone number: each request gets 40002.</summary>
    public bool NeedsVerification { get; set; }

    /// <summary>The privileged intents that are enabled in the developer portal.</summary>
    public Intents Privileged { get; set; } = Intents.Privileged;

    /// <summary>The service message that Coze sends in place of a reply: on an account, to this sender; on a Coze-hosted bot, to everyone.</summary>
    public string? CozeNotice { get; set; }

    public string Mention => $"<@{Id}>";
}
