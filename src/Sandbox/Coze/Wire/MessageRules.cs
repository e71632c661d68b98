using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze.Wire;

/// <summary>The rules for messages that clients send, and the reading of their content.</summary>
internal static class MessageRules
{
    private const int MostMetaData = 16;
    private const int LongestKey = 64;
    private const int LongestValue = 512;
    private static readonly string[] SavedTypes = ["question", "answer"];
    private static readonly string[] UnsavedTypes = ["question", "answer", "function_call", "tool_output", "tool_response"];
    private static readonly string[] MediaTypes = ["image", "file", "audio"];

    /// <summary>Checks messages one by one, and that each that holds only media stands next to a text.</summary>
    /// <exception cref="CozeException">A message breaks a rule.</exception>
    public static void Check(IReadOnlyList<EnterMessage> messages, string field, bool saved)
    {
        var mediaOnly = new bool[messages.Count];
        for (var i = 0; i < messages.Count; i++) mediaOnly[i] = Check(messages[i], $"{field}[{i}]", saved);
        for (var i = 0; i < messages.Count; i++)
        {
            if (!mediaOnly[i]) continue;
            var hasText = (i > 0 && !mediaOnly[i - 1]) || (i + 1 < messages.Count && !mediaOnly[i + 1]);
            if (!hasText) throw new CozeException(CozeErrors.Parameters, $"{field}[{i}] holds no text, and neither does a message beside it");
        }
    }

    /// <summary>Checks the pairs of a <c>meta_data</c>.</summary>
    /// <exception cref="CozeException">4003: too many, or one too long or empty.</exception>
    public static void CheckMetaData(IReadOnlyDictionary<string, string>? metaData, string field)
    {
        if (metaData is null) return;
        if (metaData.Count > MostMetaData) throw new CozeException(CozeErrors.MetaData, $"{field} holds {metaData.Count} pairs; at most {MostMetaData} are allowed");
        foreach (var (key, value) in metaData)
        {
            if (key.Length is 0 or > LongestKey) throw new CozeException(CozeErrors.MetaData, $"a key of {field} is not 1 to {LongestKey} characters long");
            if (value is null or { Length: 0 or > LongestValue }) throw new CozeException(CozeErrors.MetaData, $"{field}.{key} is not 1 to {LongestValue} characters long");
        }
    }

    /// <summary>The items of an <c>object_string</c>.</summary>
    /// <exception cref="CozeException">4000: it is no array of items.</exception>
    public static IReadOnlyList<ObjectStringItem> ReadItems(string? content, string field) =>
        Read(content, field, CozeJson.Wire.IReadOnlyListObjectStringItem);

    /// <summary>One item, as shortcut commands carry them.</summary>
    /// <exception cref="CozeException">4000: it is none.</exception>
    public static ObjectStringItem ReadItem(string? content, string field) => Read(content, field, CozeJson.Wire.ObjectStringItem);

    /// <summary>The text of a message, whatever its content type.</summary>
    public static string TextOf(MessageObject message) => message.ContentType == "object_string"
        ? ReadItems(message.Content, "content").FirstOrDefault(i => i.Type == "text")?.Text ?? ""
        : message.Content;

    // True for a message that holds media and no text.
    private static bool Check(EnterMessage message, string field, bool saved)
    {
        if (message is null) throw new CozeException(CozeErrors.Parameters, $"{field} is null");
        if (message.Role is not ("user" or "assistant")) throw new CozeException(CozeErrors.Parameters, $"{field}.role must be user or assistant, not '{message.Role}'");
        if (message.Type is { } type)
        {
            if (!(saved ? SavedTypes : UnsavedTypes).Contains(type)) throw new CozeException(CozeErrors.Parameters, $"{field}.type '{type}' is not allowed here");
            if (type == "question" && message.Role != "user") throw new CozeException(CozeErrors.Parameters, $"{field}.type question needs role user");
        }
        CheckMetaData(message.MetaData, $"{field}.meta_data");
        switch (message.ContentType ?? "text")
        {
            case "text":
                if (string.IsNullOrEmpty(message.Content)) throw new CozeException(CozeErrors.Parameters, $"{field}.content is required");
                return false;
            case "object_string":
                return CheckItems(ReadItems(message.Content, $"{field}.content"), $"{field}.content");
            default:
                throw new CozeException(CozeErrors.Parameters, $"{field}.content_type '{message.ContentType}' is not allowed in a request");
        }
    }

    private static bool CheckItems(IReadOnlyList<ObjectStringItem> items, string field)
    {
        var texts = 0;
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            if (item?.Type == "text")
            {
                if (string.IsNullOrEmpty(item.Text)) throw new CozeException(CozeErrors.Parameters, $"{field}[{i}].text is required");
                texts++;
            }
            else if (!MediaTypes.Contains(item?.Type))
            {
                throw new CozeException(CozeErrors.Parameters, $"{field}[{i}].type '{item?.Type}' is none of text, image, file, audio");
            }
            else if (string.IsNullOrEmpty(item!.FileId) && string.IsNullOrEmpty(item.FileUrl))
            {
                throw new CozeException(CozeErrors.Parameters, $"{field}[{i}] needs a file_id or a file_url");
            }
        }
        if (texts > 1) throw new CozeException(CozeErrors.Parameters, $"{field} holds more than one text item");
        if (texts == items.Count) throw new CozeException(CozeErrors.Parameters, $"{field} holds only text; use content_type text");
        return texts == 0;
    }

    private static T Read<T>(string? content, string field, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(content ?? "", type) ?? throw new CozeException(CozeErrors.Parameters, $"{field} is null");
        }
        catch (JsonException)
        {
            throw new CozeException(CozeErrors.Parameters, $"{field} is not the JSON an object_string holds");
        }
    }
}
