using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze;

/// <summary>Checks request bodies as Coze does. Each error names the field.</summary>
internal static class RequestValidator
{
    private const int MaxChatMessages = 100;
    private const int MaxMetaDataPairs = 16;
    private const int MaxMetaDataKeyLength = 64;
    private const int MaxMetaDataValueLength = 512;
    private static readonly string[] SavedTypes = ["question", "answer"];
    private static readonly string[] UnsavedTypes = ["question", "answer", "function_call", "tool_output", "tool_response"];
    private static readonly string[] MediaTypes = ["image", "file", "audio"];
    private static readonly string[] ExtraParams = ["latitude", "longitude"];
    private static readonly string[] PublishStates = ["published_online", "unpublished_draft"];

    /// <summary>Checks the body of <c>POST /v3/chat</c>.</summary>
    /// <exception cref="CozeException">A field is invalid.</exception>
    public static void CheckChat(ChatRequest request)
    {
        CheckRequired(request.BotId, "bot_id");
        CheckRequired(request.UserId, "user_id");
        var isSaved = request.AutoSaveHistory ?? true;
        if (!request.Stream && !isSaved) throw new CozeException(CozeErrorCodes.HistoryRequired);

        var messages = request.AdditionalMessages ?? [];
        CheckCount(messages, "additional_messages", MaxChatMessages);
        CheckMessages(messages, "additional_messages", isSaved);
        CheckMetaData(request.MetaData, "meta_data");
        foreach (var key in request.ExtraParams?.Keys ?? Enumerable.Empty<string>())
        {
            if (!ExtraParams.Contains(key))
                throw CozeException.InvalidParameter($"extra_params.{key} is unknown; only latitude and longitude are allowed");
        }
        if (request.PublishStatus is { } state && !PublishStates.Contains(state))
            throw CozeException.InvalidParameter($"publish_status '{state}' is neither published_online nor unpublished_draft");
        if (request.ShortcutCommand is { } command)
        {
            CheckRequired(command.CommandId, "shortcut_command.command_id");
            foreach (var (name, value) in command.Parameters ?? []) MessageContent.ParseItem(value, $"shortcut_command.parameters.{name}");
        }
    }

    /// <summary>Checks the number of messages.</summary>
    /// <exception cref="CozeException">4004: there are more than <paramref name="max"/>.</exception>
    public static void CheckCount(IReadOnlyList<EnterMessage> messages, string field, int max)
    {
        if (messages.Count > max)
            throw new CozeException(CozeErrorCodes.TooManyMessages, $"{field} contains {messages.Count} messages; at most {max} are allowed");
    }

    /// <summary>Checks each message, and that a message with media only is next to a message with text.</summary>
    /// <exception cref="CozeException">A message is invalid.</exception>
    public static void CheckMessages(IReadOnlyList<EnterMessage> messages, string field, bool isSaved)
    {
        var isMediaOnly = new bool[messages.Count];
        for (var i = 0; i < messages.Count; i++) isMediaOnly[i] = CheckMessage(messages[i], $"{field}[{i}]", isSaved);
        for (var i = 0; i < messages.Count; i++)
        {
            if (!isMediaOnly[i]) continue;
            var hasText = (i > 0 && !isMediaOnly[i - 1]) || (i + 1 < messages.Count && !isMediaOnly[i + 1]);
            if (!hasText) throw CozeException.InvalidParameter($"{field}[{i}] contains no text, and neither does a message next to it");
        }
    }

    /// <summary>Checks the pairs of a <c>meta_data</c>.</summary>
    /// <exception cref="CozeException">4003: there are too many pairs, or a key or value is empty or too long.</exception>
    public static void CheckMetaData(IReadOnlyDictionary<string, string>? metaData, string field)
    {
        if (metaData is null) return;
        if (metaData.Count > MaxMetaDataPairs) throw Invalid($"{field} contains {metaData.Count} pairs; at most {MaxMetaDataPairs} are allowed");
        foreach (var (key, value) in metaData)
        {
            if (key.Length is 0 or > MaxMetaDataKeyLength) throw Invalid($"a key of {field} is not 1 to {MaxMetaDataKeyLength} characters long");
            if (value is null or { Length: 0 or > MaxMetaDataValueLength })
                throw Invalid($"{field}.{key} is not 1 to {MaxMetaDataValueLength} characters long");
        }

        static CozeException Invalid(string message) => new(CozeErrorCodes.InvalidMetaData, message);
    }

    /// <returns>True: the message contains media and no text.</returns>
    private static bool CheckMessage(EnterMessage message, string field, bool isSaved)
    {
        if (message is null) throw CozeException.InvalidParameter($"{field} is null");
        if (message.Role is not ("user" or "assistant"))
            throw CozeException.InvalidParameter($"{field}.role must be user or assistant, not '{message.Role}'");
        if (message.Type is { } type)
        {
            if (!(isSaved ? SavedTypes : UnsavedTypes).Contains(type)) throw CozeException.InvalidParameter($"{field}.type '{type}' is not allowed here");
            if (type == "question" && message.Role != "user") throw CozeException.InvalidParameter($"{field}.type question needs role user");
        }
        CheckMetaData(message.MetaData, $"{field}.meta_data");
        switch (message.ContentType ?? "text")
        {
            case "text":
                CheckRequired(message.Content, $"{field}.content");
                return false;
            case "object_string":
                return CheckItems(MessageContent.ParseItems(message.Content, $"{field}.content"), $"{field}.content");
            default:
                throw CozeException.InvalidParameter($"{field}.content_type '{message.ContentType}' is not allowed in a request");
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
                CheckRequired(item.Text, $"{field}[{i}].text");
                texts++;
            }
            else if (!MediaTypes.Contains(item?.Type))
            {
                throw CozeException.InvalidParameter($"{field}[{i}].type '{item?.Type}' is none of text, image, file, audio");
            }
            else if (string.IsNullOrEmpty(item!.FileId) && string.IsNullOrEmpty(item.FileUrl))
            {
                throw CozeException.InvalidParameter($"{field}[{i}] needs a file_id or a file_url");
            }
        }
        if (texts > 1) throw CozeException.InvalidParameter($"{field} contains more than one text item");
        if (texts == items.Count) throw CozeException.InvalidParameter($"{field} contains only text; use content_type text");
        return texts == 0;
    }

    private static void CheckRequired(string? value, string field)
    {
        if (string.IsNullOrEmpty(value)) throw CozeException.InvalidParameter($"{field} is required");
    }
}

/// <summary>Reads the content of messages.</summary>
internal static class MessageContent
{
    /// <summary>The items of an <c>object_string</c>.</summary>
    /// <exception cref="CozeException">4000: the content is not a JSON array of items.</exception>
    public static IReadOnlyList<ObjectStringItem> ParseItems(string? content, string field) =>
        Parse(content, field, CozeJson.Utf8.IReadOnlyListObjectStringItem);

    /// <summary>A single item, as in the parameters of shortcut commands.</summary>
    /// <exception cref="CozeException">4000: the content is not a JSON item.</exception>
    public static ObjectStringItem ParseItem(string? content, string field) => Parse(content, field, CozeJson.Utf8.ObjectStringItem);

    /// <summary>The text of a message of any content type.</summary>
    public static string GetText(MessageObject message) => message.ContentType == "object_string"
        ? ParseItems(message.Content, "content").FirstOrDefault(i => i.Type == "text")?.Text ?? ""
        : message.Content;

    private static T Parse<T>(string? content, string field, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(content ?? "", type) ?? throw CozeException.InvalidParameter($"{field} is null");
        }
        catch (JsonException)
        {
            throw CozeException.InvalidParameter($"{field} is not valid JSON of an object_string");
        }
    }
}
