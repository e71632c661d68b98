using System.Buffers;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>Reads bodies as coze-discord-proxy did: of any media type, and without regard to members that it did not know.</summary>
internal static class CdpBody
{
    private const int MaxModelLength = 256;
    private const int MaxPromptLength = 32_000;
    private const int MaxIdLength = 32;

    /// <inheritdoc cref="JsonBody.Read"/>
    public static ValueTask<T> Read<T>(HttpContext context, long maxBytes, Func<JsonElement, ReadOnlySequence<byte>, T> read)
    {
        // Nothing reads it afterwards.
        context.Request.ContentType = null;
        return JsonBody.Read(context, maxBytes, read);
    }

    /// <summary>Reads a chat. The model is empty if the request names none.</summary>
    public static CdpChatRequest ReadChat(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var path = JsonFieldPath.Root;
        var messages = new MessageReader(anyFileAsImage: true);
        messages.Read(JsonInput.GetMember(root, "messages", path), path["messages"]);
        var chat = new ChatRequest
        {
            Model = ReadModel(root),
            Messages = messages.Messages,
            Uploads = messages.Uploads,
            PromptLength = messages.Length,
            Stream = JsonInput.FindMember(root, "stream") is { } stream && JsonInput.ReadBoolean(stream, path["stream"]),
            Fingerprint = JsonBody.Fingerprint(bytes),
        };
        return new CdpChatRequest(chat, ReadId(root, "channelId"));
    }

    /// <summary>Reads a request for an image. The model is empty if the request names none.</summary>
    public static CdpImageRequest ReadImage(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var path = JsonFieldPath.Root;
        return new CdpImageRequest(
            ReadModel(root),
            JsonInput.ReadString(JsonInput.GetMember(root, "prompt", path), path["prompt"], 1, MaxPromptLength),
            JsonInput.FindMember(root, "response_format") is { } format && JsonInput.ReadString(format, path["response_format"]) == "b64_json",
            ReadId(root, "channelId"),
            JsonBody.Fingerprint(bytes));
    }

    /// <summary>Reads a channel to create. Without a type it is a text channel.</summary>
    public static NewGuildChannel ReadChannel(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var path = JsonFieldPath.Root;
        var kind = JsonInput.FindMember(root, "type") is { } type ? JsonInput.ReadInteger(type, path["type"], 0, 100) : 0;
        if (kind is not ((long)GuildChannelKind.Text or (long)GuildChannelKind.Category))
            throw path["type"].Invalid("Invalid 'type': expected 0 (text) or 4 (category).");
        return new NewGuildChannel(NewId(), (GuildChannelKind)kind, ReadName(root), ReadId(root, "parentId"));
    }

    /// <summary>Reads a thread to create. Its archive duration may be any number.</summary>
    public static NewGuildChannel ReadThread(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var path = JsonFieldPath.Root;
        var minutes = JsonInput.FindMember(root, "archiveDuration") is { } duration
            ? JsonInput.ReadInteger(duration, path["archiveDuration"], int.MinValue, int.MaxValue)
            : 0;
        return new NewGuildChannel(NewId(), GuildChannelKind.Thread, ReadName(root), ReadId(root, "channelId"), (int)minutes);
    }

    private static string NewId() => GrainKeys.Encode(Guid.NewGuid().ToByteArray());

    private static string ReadModel(JsonElement root) =>
        JsonInput.FindMember(root, "model") is { } model ? JsonInput.ReadString(model, JsonFieldPath.Root["model"], 0, MaxModelLength) : "";

    private static string ReadName(JsonElement root) =>
        JsonInput.FindMember(root, "name") is { } name ? JsonInput.ReadString(name, JsonFieldPath.Root["name"], 0, 1000) : "";

    private static string? ReadId(JsonElement root, string name) =>
        JsonInput.FindMember(root, name) is { } id && JsonInput.ReadString(id, JsonFieldPath.Root[name], 0, MaxIdLength) is { Length: > 0 } text ? text : null;
}

/// <summary>A chat.</summary>
/// <param name="Chat">The prompt.</param>
/// <param name="ChannelId">The channel that the client has chosen; null: none.</param>
internal sealed record CdpChatRequest(ChatRequest Chat, string? ChannelId);

/// <summary>A request for an image.</summary>
/// <param name="Model">The model; empty if the request names none.</param>
/// <param name="Prompt">What to draw.</param>
/// <param name="Inline">Whether the response must contain the images themselves.</param>
/// <param name="ChannelId">The channel that the client has chosen; null: none.</param>
/// <param name="Fingerprint">The SHA-256 of the body.</param>
internal sealed record CdpImageRequest(string Model, string Prompt, bool Inline, string? ChannelId, string Fingerprint);
