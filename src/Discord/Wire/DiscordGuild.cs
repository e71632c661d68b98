namespace CozeCluster.Discord;

/// <summary>A server.</summary>
internal sealed record DiscordGuild
{
    public Snowflake Id { get; init; }

    public string? Name { get; init; }

    public Snowflake? OwnerId { get; init; }
}

/// <summary>A user of Discord: a person or a bot.</summary>
internal sealed record DiscordUser
{
    public Snowflake Id { get; init; }

    public string? Username { get; init; }

    /// <summary>Whether the user belongs to an application.</summary>
    public bool? Bot { get; init; }
}

/// <summary>Discord's channel types, as far as this project creates or reads them.</summary>
internal enum DiscordChannelType
{
    Text = 0,
    Voice = 2,
    Category = 4,
    Announcement = 5,
    AnnouncementThread = 10,
    PublicThread = 11,
    PrivateThread = 12,
    Stage = 13,
    Forum = 15,
    Media = 16,
}

/// <summary>A channel, category or thread.</summary>
internal sealed record DiscordChannel
{
    public Snowflake Id { get; init; }

    public DiscordChannelType Type { get; init; }

    public Snowflake? GuildId { get; init; }

    public string? Name { get; init; }

    public string? Topic { get; init; }

    /// <summary>A channel's category, or a thread's channel.</summary>
    public Snowflake? ParentId { get; init; }
}

/// <summary>The threads of a server that are not archived.</summary>
internal sealed record ActiveThreads
{
    public IReadOnlyList<DiscordChannel> Threads { get => field ?? []; init; }
}

/// <summary>A channel to create.</summary>
/// <param name="Name">1 to 100 characters.</param>
/// <param name="Type">Text or category, usually.</param>
internal sealed record NewChannel(string Name, DiscordChannelType Type = DiscordChannelType.Text)
{
    /// <summary>The channel's category. A category holds at most 50 channels.</summary>
    public Snowflake? ParentId { get; init; }

    /// <summary>At most 1,024 characters.</summary>
    public string? Topic { get; init; }
}

/// <summary>Changes of a channel; null leaves a field as it is. Discord allows few changes of name or topic (2 in 10 minutes have been observed).</summary>
internal sealed record ChannelChange
{
    public string? Name { get; init; }

    public string? Topic { get; init; }

    public Snowflake? ParentId { get; init; }

    /// <summary>For threads only.</summary>
    public bool? Archived { get; init; }
}

/// <summary>A thread to create.</summary>
/// <param name="Name">1 to 100 characters.</param>
/// <param name="AutoArchiveDuration">
/// Minutes without a message after which Discord archives the thread: 60, 1440, 4320 or 10080; null: the channel's default.
/// </param>
internal sealed record NewThread(string Name, int? AutoArchiveDuration = null)
{
    /// <summary>Without a type, Discord would create a private thread.</summary>
    public DiscordChannelType Type { get; init; } = DiscordChannelType.PublicThread;
}
