namespace CozeCluster.Sandbox.Discord;

/// <summary>A checked channel that only needs an id.</summary>
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

/// <summary>A checked thread that only needs an id; its starter message, if any, gives it.</summary>
internal sealed record ThreadDraft
{
    public required string Name { get; init; }

    public required ChannelType Type { get; init; }

    public DiscordMessage? Starter { get; init; }

    public int AutoArchiveMinutes { get; init; } = 1440;

    public int RateLimitPerUser { get; init; }
}
