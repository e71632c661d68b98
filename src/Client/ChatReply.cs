using System.Text;
using System.Text.Json;

namespace CozeCluster.Client;

/// <summary>Puts a reply together from the events of Coze's <c>/v3/chat</c>.</summary>
internal sealed class ChatReply
{
    /// <summary>The limit of a reply's length. A longer one is not from a bot.</summary>
    private const int MaxLength = 16 << 20;

    private readonly List<(string Id, StringBuilder Text)> _answers = [];
    private bool _areAnswersFinished;

    /// <summary>Whether the reply has ended, and is whole.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Whether nothing more comes.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The conversation and the chat at Coze; null while they are not known.</summary>
    public (string Conversation, string Chat)? Ids { get; private set; }

    /// <summary>The text of all answers, with a blank line between them.</summary>
    public string Text => string.Join("\n\n", _answers.Where(answer => answer.Text.Length > 0).Select(answer => answer.Text.ToString()));

    /// <summary>Handles an event.</summary>
    /// <returns>What the event adds to the reply; null if nothing.</returns>
    /// <exception cref="RealCozeException">The chat has failed.</exception>
    public RealCozeData? Handle(string name, JsonElement data)
    {
        switch (name)
        {
            case "conversation.message.delta": return IsAnswer(data) ? Append(data) : null;
            case "conversation.message.completed": return IsAnswer(data) ? Set(data) : ReadItem(data);
            case "conversation.chat.created" or "conversation.chat.in_progress":
                if (data.Text("id") is { } chat && data.Text("conversation_id") is { } conversation) Ids = (conversation, chat);
                return null;
            case "conversation.chat.completed":
                if (data.Text("status") is "canceled" or "cancelled") throw Failed("The chat was cancelled at Coze.");
                HasEnded = IsWhole = true;
                return null;
            case "conversation.chat.failed":
                var error = data.Member("last_error");
                throw ErrorOf(error.ValueKind == JsonValueKind.Object ? error : data);
            case "conversation.chat.requires_action":
                // A chatflow's question is an answer, and the user answers it with the next history.
                if (!AsksUser(data) || Text.Length == 0) throw Failed("The bot waits for a plugin that runs at its client. This client has none.");
                HasEnded = IsWhole = true;
                return null;
            case "error": throw ErrorOf(data);
            case "done":
                HasEnded = true;
                IsWhole |= _areAnswersFinished;
                return null;
            default: return null;
        }
    }

    /// <summary>The error in an object <c>{code, msg}</c>.</summary>
    public static RealCozeException ErrorOf(JsonElement error)
    {
        var (code, text) = (error.Number("code") ?? 0, error.Text("msg") is { Length: > 0 } message ? message : "without a reason");
        var log = error.Member("detail").Text("logid") is { Length: > 0 } id ? $" (log id {id})" : "";
        return new RealCozeException($"Coze refused the request: {text} [{code}]{log}", code);
    }

    private RealCozeException Failed(string message)
    {
        HasEnded = true;
        return new RealCozeException(message);
    }

    private static bool AsksUser(JsonElement chat)
    {
        var calls = chat.Member("required_action").Member("submit_tool_outputs").Member("tool_calls");
        return calls.ValueKind == JsonValueKind.Array && calls.EnumerateArray().All(call => call.Text("type") == "reply_message");
    }

    private static bool IsAnswer(JsonElement message) =>
        message.Text("role") != "user" && message.Text("type") is null or "" or "answer" && message.Text("content_type") is null or "" or "text";

    private RealCozeData? Append(JsonElement message)
    {
        if (message.Text("content") is not { Length: > 0 } text) return null;
        AnswerOf(message).Append(text);
        return Current();
    }

    private RealCozeData? Set(JsonElement message)
    {
        var (answer, text) = (AnswerOf(message), message.Text("content") ?? "");
        if (answer.Equals(text)) return null;
        answer.Clear().Append(text);
        return Current();
    }

    private StringBuilder AnswerOf(JsonElement message)
    {
        var id = message.Text("id") ?? "";
        var known = _answers.FindIndex(answer => answer.Id == id);
        if (known >= 0) return _answers[known].Text;
        _answers.Add((id, new StringBuilder()));
        return _answers[^1].Text;
    }

    private RealCozeData Current() => _answers.Sum(answer => (long)answer.Text.Length) <= MaxLength
        ? new RealCozeData(Text, Continue: true)
        : throw Failed($"The reply is longer than {MaxLength} characters.");

    private RealCozeData? ReadItem(JsonElement message)
    {
        var content = message.Text("content") ?? "";
        switch (message.Text("type"))
        {
            case "function_call": return new RealCozeData(content, Continue: false, RealCozeRole.PluginCall);
            case "tool_response" or "tool_output": return new RealCozeData(content, Continue: false, RealCozeRole.PluginResult);
            case "knowledge": return new RealCozeData(content, Continue: false, RealCozeRole.Knowledge);
            case "verbose":
                var verbose = JsonMembers.Parse(content);
                if (verbose.Text("msg_type") == "generate_answer_finish") _areAnswersFinished = true;
                return verbose.Text("msg_type") == "knowledge_recall"
                    ? new RealCozeData(verbose.Text("data") ?? content, Continue: false, RealCozeRole.Knowledge)
                    : null;
            default: return null;
        }
    }
}
