using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Writes the bodies of <c>/v3/chat</c> and of the requests that belong to it. What Coze certainly refuses is refused here, with the name of our own field.
/// </summary>
internal static class CozeRequest
{
    /// <summary>The body of <c>POST /v3/chat</c>.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="options">The bot's options.</param>
    /// <param name="prompts">The messages; see <see cref="CozePrompts.FromMessages"/>.</param>
    /// <param name="fileIds">Coze's ids of uploaded files, by blob id.</param>
    public static ReadOnlyMemory<byte> Chat(
        UpstreamTurn turn, CozeBotOptions options, IReadOnlyList<CozePrompt> prompts, IReadOnlyDictionary<string, string> fileIds) =>
        CozeJson.Write((turn, options, prompts, fileIds), static (json, chat) =>
        {
            var (turn, options, prompts, fileIds) = chat;
            json.WriteStartObject();
            json.WriteString("bot_id"u8, turn.Bot.UpstreamBotId);
            json.WriteString("user_id"u8, turn.User);
            json.WriteBoolean("stream"u8, true);
            json.WriteBoolean("auto_save_history"u8, true);
            json.WriteStartArray("additional_messages"u8);
            foreach (var prompt in prompts) WriteMessage(json, prompt, fileIds);
            json.WriteEndArray();
            WriteMap(json, "custom_variables"u8, turn.Variables);
            WriteMap(json, "meta_data"u8, turn.Metadata);
            WriteOptions(json, options);
            json.WriteEndObject();
        });

    /// <summary>The body of <c>POST /v3/chat/submit_tool_outputs</c>.</summary>
    public static ReadOnlyMemory<byte> ToolOutputs(IReadOnlyList<ToolOutput> outputs) => CozeJson.Write(outputs, static (json, outputs) =>
    {
        json.WriteStartObject();
        json.WriteBoolean("stream"u8, true);
        json.WriteStartArray("tool_outputs"u8);
        foreach (var output in outputs)
        {
            json.WriteStartObject();
            json.WriteString("tool_call_id"u8, output.CallId);
            json.WriteString("output"u8, output.Output);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>The body of <c>POST /v3/chat/cancel</c>.</summary>
    public static ReadOnlyMemory<byte> Cancel(string conversationId, string chatId) => CozeJson.Write((conversationId, chatId), static (json, ids) =>
    {
        json.WriteStartObject();
        json.WriteString("conversation_id"u8, ids.conversationId);
        json.WriteString("chat_id"u8, ids.chatId);
        json.WriteEndObject();
    });

    /// <summary>The query of requests about a chat.</summary>
    public static string ChatQuery(string conversationId, string chatId) =>
        $"?conversation_id={Uri.EscapeDataString(conversationId)}&chat_id={Uri.EscapeDataString(chatId)}";

    /// <summary>Checks metadata against <see cref="CozeLimits.MaxMetadata"/>, and the lengths of keys and values.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/> for the field <c>metadata</c>.</exception>
    public static void CheckMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count > CozeLimits.MaxMetadata)
            throw Invalid($"metadata can have at most {CozeLimits.MaxMetadata} pairs, but has {metadata.Count}.");
        foreach (var (key, value) in metadata)
        {
            if (key.Length is 0 or > CozeLimits.MaxMetadataKey)
                throw Invalid($"A key in metadata must have 1 to {CozeLimits.MaxMetadataKey} characters.");
            if (value.Length is 0 or > CozeLimits.MaxMetadataValue)
                throw Invalid($"The value of '{key}' in metadata must have 1 to {CozeLimits.MaxMetadataValue} characters.");
        }

        static ClusterException Invalid(string message) => new(ErrorCode.InvalidRequest, message, "metadata");
    }

    private static void WriteMessage(Utf8JsonWriter json, CozePrompt prompt, IReadOnlyDictionary<string, string> fileIds)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, prompt.IsUser ? "user"u8 : "assistant"u8);
        json.WriteString("type"u8, prompt.IsUser ? "question"u8 : "answer"u8);
        if (prompt.Media.Count == 0)
        {
            json.WriteString("content_type"u8, "text"u8);
            json.WriteString("content"u8, prompt.Text);
        }
        else
        {
            json.WriteString("content_type"u8, "object_string"u8);
            // Coze expects the array as a JSON string.
            var array = CozeJson.Write((prompt, fileIds), static (inner, message) => WriteContentArray(inner, message.prompt, message.fileIds));
            json.WriteString("content"u8, array.Span);
        }
        json.WriteEndObject();
    }

    private static void WriteContentArray(Utf8JsonWriter json, CozePrompt prompt, IReadOnlyDictionary<string, string> fileIds)
    {
        json.WriteStartArray();
        if (prompt.Text.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "text"u8);
            json.WriteString("text"u8, prompt.Text);
            json.WriteEndObject();
        }
        foreach (var part in prompt.Media)
        {
            var source = part.GetSource()!;
            json.WriteStartObject();
            json.WriteString("type"u8, part is ImageContent ? "image"u8 : part is AudioContent ? "audio"u8 : "file"u8);
            if (source.Blob is { } blob) json.WriteString("file_id"u8, fileIds[blob.Id]);
            else json.WriteString("file_url"u8, source.Url);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteOptions(Utf8JsonWriter json, CozeBotOptions options)
    {
        if (options.ConnectorId is { } connector) json.WriteString("connector_id"u8, connector);
        if (options.PublishStatus is { } status) json.WriteString("publish_status"u8, status);
        if (options.BotVersion is { } version) json.WriteString("bot_version"u8, version);
        if (options.EnableCard is { } card) json.WriteBoolean("enable_card"u8, card);
        if (options.Latitude is not null || options.Longitude is not null)
        {
            json.WriteStartObject("extra_params"u8);
            if (options.Latitude is { } latitude) json.WriteString("latitude"u8, latitude);
            if (options.Longitude is { } longitude) json.WriteString("longitude"u8, longitude);
            json.WriteEndObject();
        }
        if (options.Parameters.Count == 0) return;
        json.WriteStartObject("parameters"u8);
        foreach (var (name, value) in options.Parameters)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
        json.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyDictionary<string, string> values)
    {
        if (values.Count == 0) return;
        json.WriteStartObject(name);
        foreach (var (key, value) in values) json.WriteString(key, value);
        json.WriteEndObject();
    }
}

/// <summary>Writes JSON for requests to Coze.</summary>
internal static class CozeJson
{
    // Writes Chinese text as it is instead of escaping it. The stricter escaping of the default encoder protects HTML pages only.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one JSON value.</summary>
    public static ReadOnlyMemory<byte> Write<TState>(TState state, Action<Utf8JsonWriter, TState> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options)) write(json, state);
        return buffer.WrittenMemory;
    }

    /// <summary>Creates the content of a request. The JSON itself can be sent again in another content.</summary>
    public static HttpContent Content(ReadOnlyMemory<byte> json) =>
        new ReadOnlyMemoryContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
}
