using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

internal enum MessageType
{
    Default = 0,
    ThreadCreated = 18,
    Reply = 19,
    ThreadStarter = 21,
}

[Flags]
internal enum MessageFlags
{
    None = 0,
    SuppressEmbeds = 1 << 2,
    HasThread = 1 << 5,
    SuppressNotifications = 1 << 12,
    VoiceMessage = 1 << 13,
    ComponentsV2 = 1 << 15,

    Settable = SuppressEmbeds | SuppressNotifications | VoiceMessage | ComponentsV2,
}

internal sealed record MessageReference(ulong MessageId, DiscordChannel Channel);

internal sealed class DiscordMessage
{
    public required ulong Id { get; init; }

    public required DiscordChannel Channel { get; init; }

    public required DiscordUser Author { get; init; }

    public MessageType Type { get; init; }

    public string Content { get; set; } = "";

    public DateTimeOffset? EditedAt { get; set; }

    public IReadOnlyList<DiscordUser> Mentions { get; set; } = [];

    public bool MentionsEveryone { get; set; }

    public IReadOnlyList<DiscordAttachment> Attachments { get; set; } = [];

    public JsonArray Embeds { get; set; } = [];

    public JsonArray Components { get; set; } = [];

    public MessageFlags Flags { get; set; }

    public bool Tts { get; init; }

    /// <summary>String or integer, as it was sent.</summary>
    public JsonNode? Nonce { get; init; }

    public MessageReference? Reference { get; init; }

    public DiscordChannel? Thread { get; set; }

    public DateTimeOffset SentAt => Snowflakes.TimeOf(Id);
}

internal sealed record DiscordAttachment
{
    public required ulong Id { get; init; }

    public required ulong ChannelId { get; init; }

    public required string Filename { get; init; }

    public required string ContentType { get; init; }

    public required byte[] Bytes { get; init; }

    public string? Description { get; init; }

    public int? Width { get; init; }

    public int? Height { get; init; }
}
