using System.Text.Json;
using CozeCluster.Upstreams.Shared.Prompts;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>
/// Writes the body of <c>POST /responses</c>. The API knows no stop sequences, no seed and no penalties, so these settings of a client are left out.
/// </summary>
internal sealed class OpenAiResponseRequest(UpstreamTurn turn, OpenAiBotOptions options, IReadOnlyDictionary<ContentPart, LoadedMedia> media)
{
    // The API's least.
    private const int MinOutputTokens = 16;
    private const string NoArguments = """{"type":"object","properties":{}}""";

    /// <summary>The body.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FileRejected"/>: a new message contains audio.</exception>
    public ReadOnlyMemory<byte> Write() => OpenAiJson.Write(this, static (json, request) => request.WriteBody(json));

    private void WriteBody(Utf8JsonWriter json)
    {
        var settings = turn.Settings;
        json.WriteStartObject();
        json.WriteString("model"u8, turn.Bot.UpstreamBotId);
        json.WriteBoolean("stream"u8, true);
        if (options.IsBackground) json.WriteBoolean("background"u8, true);
        // The API stores unless it is told otherwise, and needs to for the background.
        json.WriteBoolean("store"u8, options.Store || options.IsBackground);
        WriteInput(json);
        WriteTools(json, settings);
        WriteText(json, settings);
        if (settings.ReasoningEffort is not null || options.ReasoningSummary is not null)
        {
            json.WriteStartObject("reasoning"u8);
            if (settings.ReasoningEffort is { } effort) json.WriteString("effort"u8, effort);
            if (options.ReasoningSummary is { } summary) json.WriteString("summary"u8, summary);
            json.WriteEndObject();
        }
        if (settings.MaxOutputTokens is { } max) json.WriteNumber("max_output_tokens"u8, Math.Max(max, MinOutputTokens));
        OpenAiSettings.WriteCommon(json, turn, options);
        json.WriteEndObject();
    }

    private static void WriteTools(Utf8JsonWriter json, GenerationSettings settings)
    {
        if (settings.Tools.Count == 0) return;
        json.WriteStartArray("tools"u8);
        foreach (var tool in settings.Tools)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "function"u8);
            // Both are required here. Without a word about it, this API would be strict, and chat completions are not.
            OpenAiSettings.WriteFunction(json, tool with { Parameters = tool.Parameters ?? NoArguments, IsStrict = tool.IsStrict ?? false });
            json.WriteEndObject();
        }
        json.WriteEndArray();
        OpenAiSettings.WriteToolChoice(json, settings, isNested: false);
    }

    private static void WriteText(Utf8JsonWriter json, GenerationSettings settings)
    {
        if (settings.Format is null && settings.Verbosity is null) return;
        json.WriteStartObject("text"u8);
        if (settings.Format is { } format)
        {
            json.WriteStartObject("format"u8);
            json.WriteString("type"u8, format.Schema is null ? "json_object" : "json_schema");
            if (format.Schema is not null) OpenAiSettings.WriteSchema(json, format);
            json.WriteEndObject();
        }
        if (settings.Verbosity is { } verbosity) json.WriteString("verbosity"u8, verbosity);
        json.WriteEndObject();
    }

    private void WriteInput(Utf8JsonWriter json)
    {
        var firstNew = PromptHistory.FirstNew(turn);
        json.WriteStartArray("input"u8);
        for (var i = 0; i < turn.Messages.Count; i++) WriteMessage(json, turn.Messages[i], isNew: i >= firstNew);
        json.WriteEndArray();
    }

    private void WriteMessage(Utf8JsonWriter json, ChatMessage message, bool isNew)
    {
        switch (message.Role)
        {
            case ChatRole.System:
                WriteTextMessage(json, options.InstructionsRole, message.Text);
                break;
            case ChatRole.Tool when message.ToolCallId is { Length: > 0 } callId:
                json.WriteStartObject();
                json.WriteString("type"u8, "function_call_output"u8);
                json.WriteString("call_id"u8, OpenAiSettings.CallId(callId));
                json.WriteString("output"u8, message.Text);
                json.WriteEndObject();
                break;
            case ChatRole.Tool:
                WriteTextMessage(json, "user", OpenAiSettings.ResultText(message));
                break;
            case ChatRole.Assistant:
                var (text, calls) = OpenAiSettings.SplitCalls(message);
                if (text.Length > 0 || calls.Count == 0) WriteTextMessage(json, "assistant", text);
                foreach (var call in calls) WriteCall(json, call);
                break;
            default:
                json.WriteStartObject();
                json.WriteString("role"u8, "user"u8);
                if (message.Content is [TextContent only]) json.WriteString("content"u8, only.Text);
                else WriteParts(json, message.Content, isNew);
                json.WriteEndObject();
                break;
        }
    }

    private static void WriteTextMessage(Utf8JsonWriter json, string role, string text)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, role);
        json.WriteString("content"u8, text);
        json.WriteEndObject();
    }

    private static void WriteCall(Utf8JsonWriter json, ToolCall call)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "function_call"u8);
        json.WriteString("call_id"u8, OpenAiSettings.CallId(call.Id));
        json.WriteString("name"u8, call.Name);
        json.WriteString("arguments"u8, call.Arguments);
        json.WriteEndObject();
    }

    private void WriteParts(Utf8JsonWriter json, IReadOnlyList<ContentPart> parts, bool isNew)
    {
        json.WriteStartArray("content"u8);
        foreach (var part in parts)
        {
            json.WriteStartObject();
            WritePart(json, part, isNew);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WritePart(Utf8JsonWriter json, ContentPart part, bool isNew)
    {
        var loaded = media.GetValueOrDefault(part);
        switch (part)
        {
            case ImageContent image when (loaded?.ToDataUri() ?? image.Source.Url) is { } url:
                json.WriteString("type"u8, "input_image"u8);
                json.WriteString("image_url"u8, url);
                json.WriteString("detail"u8, image.Detail ?? "auto");
                break;
            case FileContent when loaded is not null:
                json.WriteString("type"u8, "input_file"u8);
                json.WriteString("filename"u8, loaded.Name);
                json.WriteString("file_data"u8, loaded.ToDataUri());
                break;
            case AudioContent when isNew:
                throw new ClusterException(ErrorCode.FileRejected, "This model accepts no audio.", "messages");
            default:
                json.WriteString("type"u8, "input_text"u8);
                json.WriteString("text"u8, part is TextContent text ? text.Text : PromptHistory.LostAttachment);
                break;
        }
    }
}
