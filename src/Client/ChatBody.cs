using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CozeCluster.Client;

/// <summary>
/// Writes the body of Coze's <c>/v3/chat</c>. Coze knows the roles user and assistant only: knowledge and results of plugins are sent as messages of the user,
/// in their place. The newest messages are sent if there are too many.
/// </summary>
internal static class ChatBody
{
    /// <summary>Coze's limit.</summary>
    public const int MaxMessages = 100;

    private const int ImageType = 6;
    private const int FileType = 9;

    /// <summary>Coze requires a text beside images and files.</summary>
    private const string MediaOnly = "(see attachment)";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Write(string botId, string user, IEnumerable<RealCozeMessage> history)
    {
        var messages = history.Where(message => message.Content.Length > 0).TakeLast(MaxMessages).ToList();
        if (messages.Count == 0) throw new ArgumentException("The history contains no message with content.", nameof(history));
        var bytes = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(bytes, Options);
        json.WriteStartObject();
        json.WriteString("bot_id", botId);
        json.WriteString("user_id", user);
        json.WriteBoolean("stream", true);
        json.WriteBoolean("auto_save_history", false);
        json.WriteStartArray("additional_messages");
        for (var i = 0; i < messages.Count; i++) WriteMessage(json, messages[i], needsText: !IsText(messages, i - 1) && !IsText(messages, i + 1));
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return bytes.WrittenMemory;
    }

    private static bool IsText(List<RealCozeMessage> messages, int index) =>
        index >= 0 && index < messages.Count && messages[index].ContentType is not (ImageType or FileType);

    private static void WriteMessage(Utf8JsonWriter json, RealCozeMessage message, bool needsText)
    {
        var isAssistant = message.Role == RealCozeRole.Assistant;
        json.WriteStartObject();
        json.WriteString("role", isAssistant ? "assistant" : "user");
        json.WriteString("type", isAssistant ? "answer" : "question");
        if (message.ContentType is ImageType or FileType)
        {
            json.WriteString("content_type", "object_string");
            json.WriteString("content", WriteMedia(message, needsText));
        }
        else
        {
            json.WriteString("content_type", "text");
            json.WriteString("content", message.Content);
        }
        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> WriteMedia(RealCozeMessage message, bool needsText)
    {
        var (list, type) = message.ContentType == ImageType ? ("image_list", "image") : ("file_list", "file");
        var items = JsonMembers.Parse(message.Content).Member(list);
        if (items.ValueKind != JsonValueKind.Array || items.GetArrayLength() == 0)
            throw new ArgumentException($"A message of contentType {message.ContentType} needs the JSON text of an object with '{list}'.");
        var bytes = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(bytes, Options);
        json.WriteStartArray();
        foreach (var item in items.EnumerateArray())
        {
            var key = item.Text("key") ?? throw new ArgumentException($"An entry of '{list}' has no 'key'.");
            var isUrl = key.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || key.StartsWith("http://", StringComparison.OrdinalIgnoreCase);
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString(isUrl ? "file_url" : "file_id", key);
            json.WriteEndObject();
        }
        if (needsText)
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", MediaOnly);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.Flush();
        return bytes.WrittenSpan;
    }
}
