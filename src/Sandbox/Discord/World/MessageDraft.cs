using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>A checked message that only needs an id.</summary>
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
