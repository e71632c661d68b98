using System.Text.Json;
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

    /// <summary>Reads the tool calls of a chat that requires action. The client makes them.</summary>
    public static IEnumerable<ToolCallItem> ReadToolCalls(JsonElement chat)
    {
        var calls = chat.GetMember("required_action"u8).GetMember("submit_tool_outputs"u8).GetMember("tool_calls"u8);
        foreach (var call in calls.GetItems())
        {
            var function = call.GetMember("function"u8);
            yield return new ToolCallItem(
                call.GetText("id"u8) ?? "", function.GetText("name"u8) ?? "", function.GetText("arguments"u8) ?? "{}", ForClient: true);
        }
    }

    /// <summary>
    /// Adds an answer of content type <c>object_string</c>: a JSON string with an array of texts and media. Coze documents it for prompts only, but some bots
    /// answer with it.
    /// </summary>
    /// <remarks>All texts become one text part. Images and files become items after it. Content that is not an array becomes text.</remarks>
    public static void AddObjectString(scoped in CozeMessage message, string id, CozeReplyTexts texts, IReplySink sink)
    {
        var content = message.Content.ToString();
        var array = Parse(content);
        var isArray = array.ValueKind == JsonValueKind.Array;
        var text = isArray ? string.Join('\n', array.GetItems().Select(part => part.GetText("text"u8)).Where(t => !string.IsNullOrEmpty(t))) : content;
        if (text.Length > 0 || !isArray) sink.Set(texts.GetOrOpenPart(message.Id, TextKind.Answer, sink), text);
        var number = 0;
        foreach (var part in array.GetItems())
        {
            if (part.GetText("file_url"u8) is not { Length: > 0 } url) continue;
            sink.Add(part.GetText("type"u8) == "image" ? new ImageItem($"{id}-{number}", url) : new OtherItem($"{id}-{number}", "file", url));
            number++;
        }
    }

    private static ReplyItem ReadToolCall(string id, string content)
    {
        var call = Parse(content);
        return call.GetText("name"u8) is { Length: > 0 } name
            ? new ToolCallItem(id, name, call.GetText("arguments"u8) ?? "{}", ForClient: false)
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
