using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>Reads the messages of a chat completion request.</summary>
internal sealed class MessageReader
{
    private readonly List<ChatMessage> _messages = [];
    private readonly ContentReader _content = new();

    public IReadOnlyList<ChatMessage> Messages => _messages;

    public IReadOnlyList<Upload> Uploads => _content.Uploads;

    public int Length => _content.Length;

    public void Read(JsonElement messages, JsonPlace at)
    {
        JsonInput.Array(messages, at);
        var index = 0;
        foreach (var message in messages.EnumerateArray()) _messages.Add(ReadOne(message, at[index++]));
        if (index == 0) throw at.Wrong("Invalid 'messages': expected at least one message, but got an empty array.");
    }

    /// <summary>The results at the prompt's end that an earlier turn of ours waits for.</summary>
    /// <returns>That turn, or null if nothing at the end answers a call of ours.</returns>
    public (string? Turn, IReadOnlyList<ToolOutput> Outputs) ToolOutputs(JsonPlace at)
    {
        string? turn = null;
        var outputs = new List<ToolOutput>();
        for (var i = _messages.Count - 1; i >= 0 && _messages[i] is { Role: ChatRole.Tool, ToolCallId: { } id } message; i--)
        {
            if (ToolCallIds.TurnOf(id) is not { } waiting) continue;
            turn ??= waiting;
            if (turn != waiting) throw at[i]["tool_call_id"].Wrong("The tool results at the end of 'messages' answer calls of different replies. Send only those of the last reply.");
            outputs.Insert(0, new ToolOutput(id, message.Text));
        }
        return (turn, outputs);
    }

    private ChatMessage ReadOne(JsonElement message, JsonPlace at)
    {
        JsonInput.Object(message, at);
        if (JsonInput.Find(message, "name") is { } name) JsonInput.String(name, at["name"]);
        var roleAt = at["role"];
        return JsonInput.String(JsonInput.Member(message, "role", at), roleAt) switch
        {
            "system" or "developer" => new ChatMessage(ChatRole.System, Content(message, at, media: false)),
            "user" => new ChatMessage(ChatRole.User, Content(message, at, media: true)),
            "assistant" => Assistant(message, at),
            "tool" => new ChatMessage(ChatRole.Tool, Content(message, at, media: false))
            {
                ToolCallId = JsonInput.String(JsonInput.Member(message, "tool_call_id", at), at["tool_call_id"], 1, 256),
            },
            "function" => new ChatMessage(ChatRole.Tool, Content(message, at, media: false)),
            _ => throw roleAt.Wrong($"Invalid value for '{roleAt}': expected \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"."),
        };
    }

    private List<ContentPart> Content(JsonElement message, JsonPlace at, bool media) =>
        _content.Read(JsonInput.Member(message, "content", at), at["content"], media);

    private ChatMessage Assistant(JsonElement message, JsonPlace at)
    {
        if (JsonInput.Find(message, "audio") is not null) throw at["audio"].Wrong($"'{at["audio"]}' cannot be honoured: replies here are text.");
        var calls = ToolCalls(message, at);
        var content = JsonInput.Find(message, "content") is { } given ? _content.Read(given, at["content"], media: true)
            : JsonInput.Find(message, "refusal") is { } refusal ? [new TextContent(JsonInput.String(refusal, at["refusal"]))]
            : calls.Count > 0 ? []
            : new List<ContentPart> { new TextContent("") };
        return new ChatMessage(ChatRole.Assistant, content) { ToolCalls = calls };
    }

    private static List<ToolCall> ToolCalls(JsonElement message, JsonPlace at)
    {
        var calls = new List<ToolCall>();
        if (JsonInput.Find(message, "function_call") is { } old) calls.Add(Function("", old, at["function_call"]));
        if (JsonInput.Find(message, "tool_calls") is not { } given) return calls;
        var callsAt = at["tool_calls"];
        JsonInput.Array(given, callsAt);
        var index = 0;
        foreach (var call in given.EnumerateArray())
        {
            var callAt = callsAt[index++];
            JsonInput.Object(call, callAt);
            var id = JsonInput.String(JsonInput.Member(call, "id", callAt), callAt["id"], 0, 256);
            if (JsonInput.Find(call, "custom") is { } custom)
            {
                JsonInput.Object(custom, callAt["custom"]);
                calls.Add(new ToolCall(id, Member(custom, "name", callAt["custom"]), Member(custom, "input", callAt["custom"])));
                continue;
            }
            calls.Add(Function(id, JsonInput.Member(call, "function", callAt), callAt["function"]));
        }
        return calls;
    }

    private static ToolCall Function(string id, JsonElement function, JsonPlace at)
    {
        JsonInput.Object(function, at);
        return new ToolCall(id, Member(function, "name", at), Member(function, "arguments", at));
    }

    private static string Member(JsonElement value, string name, JsonPlace at) => JsonInput.String(JsonInput.Member(value, name, at), at[name]);
}
