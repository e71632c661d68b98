using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// Reads messages as coze-discord-proxy did: it looked only at the messages of the user, and sent the others as they were. So a message may have any role, and
/// its other members do not matter, such as the calls of tools.
/// </summary>
internal sealed class CdpMessages
{
    private readonly List<ChatMessage> _messages = [];
    private readonly ContentReader _content = new(anyFileAsImage: true);

    public IReadOnlyList<ChatMessage> Messages => _messages;

    public IReadOnlyList<Upload> Uploads => _content.Uploads;

    /// <summary>The number of text characters in all messages.</summary>
    public int Length { get; private set; }

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static CdpMessages Read(JsonElement messages, JsonFieldPath path)
    {
        JsonInput.CheckArray(messages, path);
        if (messages.GetArrayLength() is var count and (0 or > MessageReader.MaxMessages))
            throw path.Invalid($"Invalid 'messages': expected 1 to {MessageReader.MaxMessages} messages, but got {count}.");
        var read = new CdpMessages();
        foreach (var message in messages.EnumerateArray()) read._messages.Add(read.ReadMessage(message, path[read._messages.Count]));
        MessageReader.MakeLastInstructionsThePrompt(read._messages);
        read.Length = read._messages.Sum(message => message.Text.Length);
        return read;
    }

    private ChatMessage ReadMessage(JsonElement message, JsonFieldPath path)
    {
        JsonInput.CheckObject(message, path);
        var role = JsonInput.FindMember(message, "role") is { } given ? RoleOf(JsonInput.ReadString(given, path["role"])) : ChatRole.User;
        var content = JsonInput.FindMember(message, "content");
        if (role != ChatRole.User) return new ChatMessage(role, [new TextContent(ReadText(content, path["content"]))]);
        return new ChatMessage(role, _content.Read(content ?? throw path["content"].Missing(), path["content"], allowMedia: true));
    }

    // Bots know no other roles. Text in an unknown role is part of the prompt.
    private static ChatRole RoleOf(string role) => role switch
    {
        "system" or "developer" => ChatRole.System,
        "assistant" => ChatRole.Assistant,
        "tool" or "function" => ChatRole.Tool,
        _ => ChatRole.User,
    };

    private static string ReadText(JsonElement? content, JsonFieldPath path) => content switch
    {
        null => "",
        { ValueKind: JsonValueKind.String } text => JsonInput.ReadString(text, path),
        { ValueKind: JsonValueKind.Array } parts => string.Join('\n', parts.EnumerateArray().Select(part => ReadPart(part, path)).OfType<string>()),
        _ => "",
    };

    private static string? ReadPart(JsonElement part, JsonFieldPath path) =>
        part.ValueKind == JsonValueKind.Object && JsonInput.FindMember(part, "text") is { ValueKind: JsonValueKind.String } text
            ? JsonInput.ReadString(text, path)
            : null;
}
