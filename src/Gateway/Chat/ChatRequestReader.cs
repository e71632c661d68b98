using System.Buffers;
using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>Reads the body of a chat completion request, field by field of <see cref="ChatFields"/>.</summary>
internal static class ChatRequestReader
{
    private const int MaxNameLength = 256;
    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, naming the field.</exception>
    public static ChatRequest Read(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var at = JsonPlace.Root;
        foreach (var property in root.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Null) ChatFields.Find(property.Name)?.Check?.Invoke(property.Value, at[property.Name]);
        }
        FieldChecks.Tools(root, "tools", "tool_choice");
        FieldChecks.Tools(root, "functions", "function_call");

        var stream = Optional(root, "stream") is { } streamed && JsonInput.Boolean(streamed, at["stream"]);
        var messages = new MessageReader();
        messages.Read(JsonInput.Member(root, "messages", at), at["messages"]);
        var (waitingTurn, outputs) = messages.ToolOutputs(at["messages"]);
        return new ChatRequest
        {
            Model = JsonInput.String(JsonInput.Member(root, "model", at), at["model"], 1, MaxNameLength),
            Messages = messages.Messages,
            Uploads = messages.Uploads,
            Length = messages.Length,
            Stream = stream,
            IncludeUsage = StreamOptions(root, at["stream_options"], stream),
            ConversationName = Optional(root, "conversation_id") is { } name ? ConversationNames.Check(JsonInput.String(name, at["conversation_id"]), "conversation_id") : null,
            User = Text(root, "user") ?? Text(root, "safety_identifier"),
            Metadata = Optional(root, "metadata") is { } metadata ? JsonInput.Strings(metadata, at["metadata"], 16, 64, 512) : None,
            Variables = Optional(root, "custom_variables") is { } variables ? JsonInput.Strings(variables, at["custom_variables"], 256, 256, 1 << 16) : None,
            WaitingTurn = waitingTurn,
            ToolOutputs = outputs,
            Fingerprint = JsonBody.Fingerprint(bytes),
        };
    }

    private static JsonElement? Optional(JsonElement root, string name) => JsonInput.Find(root, name);

    private static string? Text(JsonElement root, string name) =>
        Optional(root, name) is { } value && JsonInput.String(value, JsonPlace.Root[name], 0, 1024) is { Length: > 0 } text ? text : null;

    private static bool StreamOptions(JsonElement root, JsonPlace at, bool stream)
    {
        if (Optional(root, "stream_options") is not { } options) return false;
        JsonInput.Object(options, at);
        if (!stream) throw at.Wrong("'stream_options' is only allowed when 'stream' is true.");
        if (JsonInput.Find(options, "include_obfuscation") is { } obfuscation) JsonInput.Boolean(obfuscation, at["include_obfuscation"]);
        return JsonInput.Find(options, "include_usage") is { } usage && JsonInput.Boolean(usage, at["include_usage"]);
    }
}
