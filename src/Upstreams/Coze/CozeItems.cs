using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Translates messages whose content is not plain text into items of the reply.</summary>
internal static class CozeItems
{
    private const string AnswersFinished = "generate_answer_finish";

    /// <summary>Translates a completed message that is not an answer.</summary>
    /// <param name="message">The message.</param>
    /// <param name="id">The id of the message, or a substitute.</param>
    /// <returns>The item; null if the message has no meaning for clients.</returns>
    public static ReplyItem? FromMessage(scoped in CozeMessage message, string id)
    {
        var content = message.Content.ToString();
        return message.Type.ToString() switch
        {
            "function_call" => ReadToolCall(id, content),
            "tool_output" or "tool_response" => new ToolOutputItem(id, content),
            "knowledge" => new KnowledgeItem(id, content),
            "follow_up" => content.Length > 0 ? new FollowUpItem(id, content) : null,
            "verbose" => ReadVerbose(id, content),
            "question" => null,
            var type => new OtherItem(id, type, content),
        };
    }

    /// <summary>Whether the message reports that all answers of the reply are complete.</summary>
    public static bool IsAnswersFinished(scoped in CozeMessage message) =>
        message.Type.Is("verbose"u8) && Parse(message.Content.ToString()).GetText("msg_type"u8) == AnswersFinished;

    /// <summary>Reads what a chat that requires action waits for.</summary>
    /// <returns>The tool calls, which the client makes, and whether the chat waits for the user's next message.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamProtocol"/>: the chat does not say what it waits for, or in an unknown way.</exception>
    public static (IReadOnlyList<ToolCallItem> Calls, bool AsksUser) ReadRequiredAction(JsonElement chat)
    {
        var action = chat.GetMember("required_action"u8);
        if (action.GetText("type"u8) is { Length: > 0 } kind && kind != "submit_tool_outputs") throw Unknown($"an action of the unknown type '{kind}'");
        var calls = new List<ToolCallItem>();
        var asksUser = false;
        foreach (var call in action.GetMember("submit_tool_outputs"u8).GetMember("tool_calls"u8).GetItems())
        {
            var function = call.GetMember("function"u8);
            switch (call.GetText("type"u8))
            {
                case "reply_message":
                    // A question node of a chatflow. Its text is an answer of the bot.
                    asksUser = true;
                    break;
                case "function" or "" or null when function.GetText("name"u8) is { Length: > 0 } name && call.GetText("id"u8) is { Length: > 0 } id:
                    calls.Add(new ToolCallItem(id, name, ReadArguments(function), ForClient: true));
                    break;
                case "function" or "" or null:
                    throw Unknown("a tool call without an id or a name");
                case { } type:
                    throw Unknown($"a tool call of the unknown type '{type}'");
            }
        }
        return calls.Count > 0 || asksUser ? (calls, asksUser) : throw Unknown("an action, but does not say which");

        static ClusterException Unknown(string what) => new(ErrorCode.UpstreamProtocol, $"Coze requires {UpstreamText.Clean(what)}.");
    }

    /// <summary>
    /// Adds an answer of content type <c>object_string</c>: a JSON string with an array of texts and media. Coze documents it for prompts only, but some bots
    /// answer with it.
    /// </summary>
    /// <returns>Whether the answer has content.</returns>
    /// <remarks>All texts become one text part. Images and files become items after it. Content that is not an array becomes text.</remarks>
    public static bool AddObjectString(scoped in CozeMessage message, string id, CozeReplyTexts texts, IReplySink sink)
    {
        var content = message.Content.ToString();
        var array = Parse(content);
        var isArray = array.ValueKind == JsonValueKind.Array;
        var text = isArray ? string.Join('\n', array.GetItems().Select(ReadText).Where(t => !string.IsNullOrEmpty(t))) : content;
        if (text.Length > 0 || !isArray) sink.Set(texts.GetOrOpenPart(message.Id, TextKind.Answer, sink), text);
        var media = 0;
        foreach (var part in array.GetItems())
        {
            if (part.GetText("file_url"u8) is not { Length: > 0 } url) continue;
            var kind = part.GetText("type"u8);
            sink.Add(kind == "image" ? new ImageItem($"{id}-{media}", url) : new OtherItem($"{id}-{media}", kind is { Length: > 0 } ? kind : "file", url));
            media++;
        }
        return text.Length > 0 || media > 0;

        static string? ReadText(JsonElement part) => part.GetText("type"u8) is "text" or "" or null ? part.GetText("text"u8) : null;
    }

    // Clients parse the arguments as JSON, and a call without arguments has empty ones.
    private static string ReadArguments(JsonElement function) =>
        function.GetText("arguments"u8) is { } arguments && !string.IsNullOrWhiteSpace(arguments) ? arguments : "{}";

    private static ReplyItem ReadToolCall(string id, string content)
    {
        var call = Parse(content);
        return call.GetText("name"u8) is { Length: > 0 } name
            ? new ToolCallItem(id, name, ReadArguments(call), ForClient: false)
            : new OtherItem(id, "function_call", content);
    }

    private static ReplyItem? ReadVerbose(string id, string content)
    {
        var verbose = Parse(content);
        var data = verbose.GetText("data"u8) ?? content;
        return verbose.GetText("msg_type"u8) switch
        {
            AnswersFinished => null,
            "knowledge_recall" => new KnowledgeItem(id, data),
            { Length: > 0 } kind => new OtherItem(id, kind, data),
            _ => new OtherItem(id, "verbose", content),
        };
    }

    private static JsonElement Parse(string content) => LenientJson.TryParse(content) ?? default;
}
