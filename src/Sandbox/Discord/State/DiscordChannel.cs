namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's channel types.</summary>
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

/// <summary>A channel, category or thread, with its messages, oldest first.</summary>
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

    /// <summary>Slow mode: the seconds between two messages of a member without management permissions.</summary>
    public int RateLimitPerUser { get; set; }

    public List<PermissionOverwrite> Overwrites { get; set; } = [];

    public List<DiscordMessage> Messages { get; } = [];

    public ulong? LastMessageId { get; set; }

    public bool IsThread => Type is ChannelType.AnnouncementThread or ChannelType.PublicThread or ChannelType.PrivateThread;

    /// <summary>Whether messages can be posted in the channel.</summary>
    public bool AcceptsMessages => IsThread || Type is ChannelType.Text or ChannelType.Announcement or ChannelType.Voice or ChannelType.Stage;

    // The following properties are used for threads only.

    public ulong OwnerId { get; init; }

    public HashSet<ulong> ThreadMembers { get; } = [];

    public bool Archived { get; set; }

    public bool Locked { get; set; }

    /// <summary>Minutes: 60, 1440, 4320 or 10080.</summary>
    public int AutoArchiveMinutes { get; set; } = 1440;

    public DateTimeOffset ArchiveChangedAt { get; set; }

    public DiscordMessage? Find(ulong id) => IndexOf(id) is >= 0 and var index ? Messages[index] : null;

    /// <summary>The index of a message, found by binary search. A missing message gives the complement of the index where it would be inserted.</summary>
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

/// <summary>A validated channel without an id.</summary>
internal sealed record ChannelDraft
{
    public required string Name { get; init; }

    public ChannelType Type { get; init; } = ChannelType.Text;

    public string? Topic { get; init; }

    public DiscordChannel? Parent { get; init; }

    public bool Nsfw { get; init; }

    public int RateLimitPerUser { get; init; }

    public List<PermissionOverwrite> Overwrites { get; init; } = [];
}

/// <summary>A validated thread without an id. A thread with a starter message gets the id of that message.</summary>
internal sealed record ThreadDraft
{
    public required string Name { get; init; }

    public required ChannelType Type { get; init; }

    public DiscordMessage? Starter { get; init; }

    public int AutoArchiveMinutes { get; init; } = 1440;

    public int RateLimitPerUser { get; init; }
}
