namespace CozeCluster.Discord;

/// <summary>Discord's channel types, as far as this house makes or reads them.</summary>
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

/// <summary>Threads of a server.</summary>
internal sealed record ActiveThreads
{
    public IReadOnlyList<DiscordChannel> Threads { get => field ?? []; init; }
}

/// <summary>What a new channel is to be.</summary>
/// <param name="Name">1 to 100 characters.</param>
/// <param name="Type">Text or category, usually.</param>
internal sealed record NewChannel(string Name, DiscordChannelType Type = DiscordChannelType.Text)
{
    /// <summary>Its category; at most 50 channels are in one.</summary>
    public Snowflake? ParentId { get; init; }

    /// <summary>At most 1,024 characters.</summary>
    public string? Topic { get; init; }
}

/// <summary>What is to change of a channel; null leaves it as it is. Discord takes few changes of name or topic (2 in 10 minutes were seen).</summary>
internal sealed record ChannelChange
{
    public string? Name { get; init; }

    public string? Topic { get; init; }

    public Snowflake? ParentId { get; init; }

    /// <summary>For threads.</summary>
    public bool? Archived { get; init; }
}

/// <summary>A thread to be made.</summary>
/// <param name="Name">1 to 100 characters.</param>
/// <param name="AutoArchiveDuration">Minutes without a message until it is archived: 60, 1440, 4320 or 10080; null: the channel's own.</param>
internal sealed record NewThread(string Name, int? AutoArchiveDuration = null)
{
    /// <summary>Null where the thread starts from a message. Without it Discord makes the thread private.</summary>
    public DiscordChannelType? Type { get; init; }
}
