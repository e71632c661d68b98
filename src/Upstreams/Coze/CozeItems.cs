using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>From Coze's messages that are not answers to parts of the reply.</summary>
internal static class CozeItems
{
    /// <summary>The item a completed message stands for; null for what is only Coze's bookkeeping.</summary>
    /// <param name="message">Not an answer.</param>
    /// <param name="id">Its id, or a stand-in for it.</param>
    public static ReplyItem? Of(scoped in CozeMessage message, string id)
    {
        var content = message.Content.ToString();
        return message.Type.ToString() switch
        {
            "function_call" => ToolCall(id, content),
            "tool_output" or "tool_response" => new ToolOutputItem(id, content),
            "knowledge" => new KnowledgeItem(id, content),
            "follow_up" => content.Length > 0 ? new FollowUpItem(id, content) : null,
            "verbose" => Verbose(id, content),
            "question" => null,
            var type => new OtherItem(id, type, content),
        };
    }

    /// <summary>Whether this tells that all answers of the reply are finished.</summary>
    public static bool IsAnswersFinished(scoped in CozeMessage message) =>
        message.Type.Is("verbose"u8) && Parse(message.Content.ToString()).Text("msg_type"u8) == AnswersFinished;

    /// <summary>The calls that a chat which requires action asks the client to make.</summary>
    public static IEnumerable<ToolCallItem> ToolCalls(JsonElement chat)
    {
        var calls = chat.Member("required_action"u8).Member("submit_tool_outputs"u8).Member("tool_calls"u8);
        foreach (var call in calls.Items())
        {
            var function = call.Member("function"u8);
            yield return new ToolCallItem(call.Text("id"u8) ?? "", function.Text("name"u8) ?? "", function.Text("arguments"u8) ?? "{}", ForClient: true);
        }
    }

    private const string AnswersFinished = "generate_answer_finish";

    private static ReplyItem ToolCall(string id, string content)
    {
        var call = Parse(content);
        return call.Text("name"u8) is { Length: > 0 } name
            ? new ToolCallItem(id, name, call.Text("arguments"u8) ?? "{}", ForClient: false)
            : new OtherItem(id, "function_call", content);
    }

    private static ReplyItem? Verbose(string id, string content)
    {
        var notice = Parse(content);
        var told = notice.Text("data"u8) ?? content;
        return notice.Text("msg_type"u8) switch
        {
            AnswersFinished => null,
            "knowledge_recall" => new KnowledgeItem(id, told),
            { Length: > 0 } kind => new OtherItem(id, kind, told),
            _ => new OtherItem(id, "verbose", content),
        };
    }

    private static JsonElement Parse(string content) => LenientJson.TryParse(System.Text.Encoding.UTF8.GetBytes(content)) ?? default;
}
