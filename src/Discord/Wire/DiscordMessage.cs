using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>A message, whole or (in an update event) only what changed: null is what was not told.</summary>
internal sealed record DiscordMessage
{
    public Snowflake Id { get; init; }

    public Snowflake ChannelId { get; init; }

    /// <summary>In events only, and not in direct messages.</summary>
    public Snowflake? GuildId { get; init; }

    public DiscordUser? Author { get; init; }

    /// <summary>Empty for bots without the message content intent, and in Components V2 messages.</summary>
    public string? Content { get; init; }

    public DateTimeOffset? Timestamp { get; init; }

    public DateTimeOffset? EditedTimestamp { get; init; }

    public IReadOnlyList<DiscordUser>? Mentions { get; init; }

    public IReadOnlyList<DiscordAttachment>? Attachments { get; init; }

    public IReadOnlyList<DiscordEmbed>? Embeds { get; init; }

    public IReadOnlyList<DiscordComponent>? Components { get; init; }

    /// <summary>What the sender gave it to be known by.</summary>
    [JsonConverter(typeof(NonceConverter))]
    public string? Nonce { get; init; }

    public MessageFlags? Flags { get; init; }

    /// <summary>0 is a plain message, 19 a reply, 20 the answer to a command.</summary>
    public int? Type { get; init; }

    public Snowflake? WebhookId { get; init; }

    /// <summary>What it replies to.</summary>
    public MessageReference? MessageReference { get; init; }
}

/// <summary>Flags of a message, as far as they matter here.</summary>
[Flags]
internal enum MessageFlags
{
    None = 0,
    SuppressEmbeds = 1 << 2,

    /// <summary>The application is still "thinking".</summary>
    Loading = 1 << 7,
    SuppressNotifications = 1 << 12,
    ComponentsV2 = 1 << 15,
}

/// <summary>Another message, pointed at.</summary>
internal sealed record MessageReference
{
    /// <summary>0 or null is a reply, 1 a forwarded message.</summary>
    public int? Type { get; init; }

    public Snowflake? MessageId { get; init; }

    public Snowflake? ChannelId { get; init; }

    public Snowflake? GuildId { get; init; }

    /// <summary>When sending: whether a message that is gone is an error (50035). Default true.</summary>
    public bool? FailIfNotExists { get; init; }
}
