namespace CozeCluster.Sandbox.Discord;

internal enum ChannelType
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

/// <summary>A channel, category or thread, and its messages from old to new.</summary>
internal sealed class DiscordChannel
{
    public required ulong Id { get; init; }

    public required DiscordGuild Guild { get; init; }

    public required ChannelType Type { get; init; }

    public required string Name { get; set; }

    public string? Topic { get; set; }

    public DiscordChannel? Parent { get; set; }

    public int Position { get; set; }

    public bool Nsfw { get; set; }

    /// <summary>Slow mode: seconds a plain member waits between messages.</summary>
    public int RateLimitPerUser { get; set; }

    public List<PermissionOverwrite> Overwrites { get; set; } = [];

    public List<DiscordMessage> Messages { get; } = [];

    public ulong? LastMessageId { get; set; }

    public bool IsThread => Type is ChannelType.AnnouncementThread or ChannelType.PublicThread or ChannelType.PrivateThread;

    /// <summary>Whether messages can be posted here.</summary>
    public bool TakesMessages => IsThread || Type is ChannelType.Text or ChannelType.Announcement or ChannelType.Voice or ChannelType.Stage;

    // What follows is a thread's.
    public ulong OwnerId { get; init; }

    public HashSet<ulong> ThreadMembers { get; } = [];

    public bool Archived { get; set; }

    public bool Locked { get; set; }

    /// <summary>Minutes: 60, 1440, 4320 or 10080.</summary>
    public int AutoArchiveMinutes { get; set; } = 1440;

    public DateTimeOffset ArchiveChangedAt { get; set; }

    public DiscordMessage? Find(ulong id) => IndexOf(id) is >= 0 and var index ? Messages[index] : null;

    /// <summary>The place of message <paramref name="id"/>, or the complement of where it would stand.</summary>
    public int IndexOf(ulong id)
    {
        var (low, high) = (0, Messages.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = Messages[middle].Id;
            if (found == id) return middle;
            if (found < id) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }
}
