namespace CozeCluster.Discord;

/// <summary>A server.</summary>
internal sealed record DiscordGuild
{
    public Snowflake Id { get; init; }

    public string? Name { get; init; }

    public Snowflake? OwnerId { get; init; }
}

/// <summary>Where a bot's gateway is and how often it may still identify.</summary>
internal sealed record GatewayBot
{
    /// <summary><c>wss://…</c></summary>
    public string Url { get; init; } = "";

    /// <summary>How many shards Discord recommends.</summary>
    public int Shards { get; init; } = 1;

    public SessionStartLimit SessionStartLimit { get => field ?? new SessionStartLimit(); init; }
}

/// <summary>How often a bot may identify. Going over it makes Discord reset the bot's token.</summary>
internal sealed record SessionStartLimit
{
    /// <summary>Per day.</summary>
    public int Total { get; init; } = 1000;

    /// <summary>Of today.</summary>
    public int Remaining { get; init; } = 1;

    /// <summary>Milliseconds until <see cref="Remaining"/> is <see cref="Total"/> again.</summary>
    public long ResetAfter { get; init; }

    /// <summary>Identifies per 5 seconds; shards whose number is the same modulo this take turns.</summary>
    public int MaxConcurrency { get; init; } = 1;
}
