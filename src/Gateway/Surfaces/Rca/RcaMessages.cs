using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>
/// The history of a chat as Real-Coze-API's clients send it: an array of <c>{role, content, contentType}</c>, whose last message is the prompt. Roles are
/// 1 (the assistant), 2 (the user), and for what the assistant knows, 0 (instructions), 3 and 4 (calls and results of plugins) and 6 (knowledge). Content is a
/// text (<c>contentType</c> 1, the default), or the JSON text of an <c>image_list</c> (6) or a <c>file_list</c> (9).
/// </summary>
/// <param name="Messages">The messages.</param>
/// <param name="Uploads">Images and files that are in the messages themselves.</param>
/// <param name="Length">The number of text characters.</param>
internal sealed record RcaMessages(IReadOnlyList<ChatMessage> Messages, IReadOnlyList<Upload> Uploads, int Length)
{
    private const int MaxMedia = 20;
    private const int TextType = 1;
    private const int ImageType = 6;
    private const int FileType = 9;

    /// <summary>Reads a history.</summary>
    /// <param name="history">The array.</param>
    /// <param name="path">Its path in the request.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static RcaMessages Read(JsonElement history, JsonFieldPath path)
    {
        if (history.ValueKind != JsonValueKind.Array)
            throw path.Invalid("The history must be an array of messages: [{\"role\": 2, \"content\": \"…\"}].");
        if (history.GetArrayLength() is 0 or > MessageReader.MaxMessages)
            throw path.Invalid($"The history must have 1 to {MessageReader.MaxMessages} messages.");
        var content = new ContentReader();
        var messages = new List<ChatMessage>(history.GetArrayLength());
        foreach (var message in history.EnumerateArray()) messages.Add(ReadMessage(message, path[messages.Count], content));
        if (messages[^1].Role == ChatRole.Assistant)
            throw path[messages.Count - 1]["role"].Invalid("The last message is what the bot answers, so its role must not be 1 (the assistant). Send 2.");
        return new RcaMessages(messages, content.Uploads, content.Length);
    }

    private static ChatMessage ReadMessage(JsonElement message, JsonFieldPath path, ContentReader content)
    {
        JsonInput.CheckObject(message, path);
        var role = JsonInput.ReadInteger(JsonInput.GetMember(message, "role", path), path["role"], 0, int.MaxValue) switch
        {
            1 => ChatRole.Assistant,
            2 => ChatRole.User,
            0 or 3 or 4 or 6 => ChatRole.System,
            var other => throw path["role"].Invalid($"Invalid '{path["role"]}': expected 1 (assistant), 2 (user), 6 (knowledge), 0, 3 or 4, but got {other}."),
        };
        var typePath = path["contentType"];
        var type = JsonInput.FindMember(message, "contentType") is { } given ? JsonInput.ReadInteger(given, typePath, 0, int.MaxValue) : TextType;
        var (value, valuePath) = (JsonInput.GetMember(message, "content", path), path["content"]);
        return new ChatMessage(role, type switch
        {
            TextType => content.Read(CheckText(value, valuePath), valuePath, allowMedia: false),
            ImageType or FileType when role != ChatRole.User => throw typePath.Invalid("Only messages of the user (role 2) contain images and files."),
            ImageType => ReadList(value, valuePath, "image_list", "image", "image/", content, static source => new ImageContent(source)),
            FileType => ReadList(value, valuePath, "file_list", "file", "", content, static source => new FileContent(source)),
            _ => throw typePath.Invalid($"Invalid '{typePath}': expected 1 (text), 6 (images) or 9 (files), but got {type}."),
        });
    }

    private static JsonElement CheckText(JsonElement value, JsonFieldPath path) =>
        value.ValueKind == JsonValueKind.String ? value : throw path.Mistyped("a string", value);

    private static List<ContentPart> ReadList(
        JsonElement value, JsonFieldPath path, string listName, string name, string mediaType, ContentReader content, Func<MediaSource, ContentPart> create)
    {
        using var document = Parse(JsonInput.ReadString(value, path), path);
        JsonInput.CheckObject(document.RootElement, path);
        var list = JsonInput.GetMember(document.RootElement, listName, path);
        JsonInput.CheckArray(list, path[listName]);
        if (list.GetArrayLength() is 0 or > MaxMedia) throw path[listName].Invalid($"Invalid '{path[listName]}': expected 1 to {MaxMedia} entries.");
        var parts = new List<ContentPart>();
        foreach (var item in list.EnumerateArray())
        {
            var itemPath = path[listName][parts.Count];
            JsonInput.CheckObject(item, itemPath);
            content.AddUrl(parts, JsonInput.GetMember(item, "key", itemPath), itemPath["key"], name, create, mediaType);
        }
        return parts;
    }

    private static JsonDocument Parse(string text, JsonFieldPath path)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            throw path.Invalid($"Invalid '{path}': expected the JSON text of an object with a list of images or files.");
        }
    }
}
