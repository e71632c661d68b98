namespace CozeCluster.Discord;

/// <summary>Somebody on Discord: a person or a bot.</summary>
internal sealed record DiscordUser
{
    public Snowflake Id { get; init; }

    public string? Username { get; init; }

    public string? GlobalName { get; init; }

    /// <summary>Whether it belongs to an application.</summary>
    public bool? Bot { get; init; }
}
