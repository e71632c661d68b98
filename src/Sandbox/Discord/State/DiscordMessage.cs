using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The message types that the sandbox uses.</summary>
internal enum MessageType
{
    Default = 0,
    ThreadCreated = 18,
    Reply = 19,
    ThreadStarter = 21,
}

/// <summary>The message flags that the sandbox knows.</summary>
[Flags]
internal enum MessageFlags
{
    None = 0,
    SuppressEmbeds = 1 << 2,
    HasThread = 1 << 5,
    SuppressNotifications = 1 << 12,
    VoiceMessage = 1 << 13,
    ComponentsV2 = 1 << 15,

    /// <summary>The flags that a client can set.</summary>
    Settable = SuppressEmbeds | SuppressNotifications | VoiceMessage | ComponentsV2,
}

/// <summary>A reference to another message, such as the target of a reply.</summary>
internal sealed record MessageReference(ulong MessageId, DiscordChannel Channel);

/// <summary>A message.</summary>
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

    /// <summary>A string or an integer, as the client sent it.</summary>
    public JsonNode? Nonce { get; init; }

    public MessageReference? Reference { get; init; }

    /// <summary>The thread that was started from this message.</summary>
    public DiscordChannel? Thread { get; set; }

    public DateTimeOffset SentAt => Snowflakes.TimeOf(Id);
}

/// <summary>An uploaded file.</summary>
internal sealed record DiscordAttachment
{
    public required ulong Id { get; init; }

    public required ulong ChannelId { get; init; }

    public required string Filename { get; init; }

    public required string ContentType { get; init; }

    public required byte[] Bytes { get; init; }

    public string? Description { get; init; }

    /// <summary>Whether it is not a file of its channel: a picture from elsewhere, which is not deleted with the channel.</summary>
    public bool IsExternal { get; init; }

    public int? Width { get; init; }

    public int? Height { get; init; }
}

/// <summary>A validated message without an id.</summary>
internal sealed record MessageDraft
{
    public MessageType Type { get; init; }

    public string Content { get; init; } = "";

    public JsonArray Embeds { get; init; } = [];

    public JsonArray Components { get; init; } = [];

    public IReadOnlyList<DiscordAttachment> Attachments { get; init; } = [];

    public IReadOnlyList<DiscordUser> Mentions { get; init; } = [];

    public MessageFlags Flags { get; init; }

    public MessageReference? Reference { get; init; }

    public JsonNode? Nonce { get; init; }

    public bool EnforceNonce { get; init; }

    public bool Tts { get; init; }
}
