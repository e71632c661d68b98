using System.Text.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Writes the bodies of <c>/v3/chat</c> and what belongs to it. Everything Coze would refuse for certain is refused here, by the name of our field.</summary>
internal static class CozeRequest
{
    private const int MaxMetadata = 16;
    private const int MaxMetadataKey = 64;
    private const int MaxMetadataValue = 512;

    /// <summary>The body of <c>POST /v3/chat</c>.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="options">The bot's options.</param>
    /// <param name="prompts">See <see cref="CozeMessages.Map"/>.</param>
    /// <param name="fileIds">Coze's ids of uploads, by blob id.</param>
    public static ReadOnlyMemory<byte> Chat(
        UpstreamTurn turn, CozeOptions options, IReadOnlyList<CozePrompt> prompts, IReadOnlyDictionary<string, string> fileIds) =>
        CozeJson.Write((turn, options, prompts, fileIds), static (json, chat) =>
        {
            var (turn, options, prompts, fileIds) = chat;
            json.WriteStartObject();
            json.WriteString("bot_id"u8, turn.Bot.UpstreamBotId);
            json.WriteString("user_id"u8, turn.User);
            json.WriteBoolean("stream"u8, true);
            json.WriteBoolean("auto_save_history"u8, true);
            json.WriteStartArray("additional_messages"u8);
            foreach (var prompt in prompts) Message(json, prompt, fileIds);
            json.WriteEndArray();
            Map(json, "custom_variables"u8, turn.Variables);
            Map(json, "meta_data"u8, turn.Metadata);
            Options(json, options);
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

    /// <summary>Checks metadata against Coze's limits: 16 pairs, keys of 1 to 64 characters, values of 1 to 512.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, naming <c>metadata</c>.</exception>
    public static void CheckMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count > MaxMetadata) throw Wrong($"metadata may hold at most {MaxMetadata} pairs, not {metadata.Count}.");
        foreach (var (key, value) in metadata)
        {
            if (key.Length is 0 or > MaxMetadataKey) throw Wrong($"A key of metadata has to have 1 to {MaxMetadataKey} characters.");
            if (value.Length is 0 or > MaxMetadataValue) throw Wrong($"The value of '{key}' in metadata has to have 1 to {MaxMetadataValue} characters.");
        }

        static ClusterException Wrong(string message) => new(ErrorCode.InvalidRequest, message, "metadata");
    }

    /// <summary>Where the bytes of a media part are; null for text.</summary>
    public static MediaSource? Source(ContentPart part) => part switch
    {
        ImageContent image => image.Source,
        FileContent file => file.Source,
        AudioContent audio => audio.Source,
        _ => null,
    };

    private static void Message(Utf8JsonWriter json, CozePrompt prompt, IReadOnlyDictionary<string, string> fileIds)
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
            // An array, but written as JSON text within the JSON.
            json.WriteString("content"u8, CozeJson.Write((prompt, fileIds), static (inner, message) => Items(inner, message.prompt, message.fileIds)).Span);
        }
        json.WriteEndObject();
    }

    private static void Items(Utf8JsonWriter json, CozePrompt prompt, IReadOnlyDictionary<string, string> fileIds)
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
            var source = Source(part)!;
            json.WriteStartObject();
            json.WriteString("type"u8, part is ImageContent ? "image"u8 : part is AudioContent ? "audio"u8 : "file"u8);
            if (source.Blob is { } blob) json.WriteString("file_id"u8, fileIds[blob.Id]);
            else json.WriteString("file_url"u8, source.Url);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Options(Utf8JsonWriter json, CozeOptions options)
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

    private static void Map(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyDictionary<string, string> values)
    {
        if (values.Count == 0) return;
        json.WriteStartObject(name);
        foreach (var (key, value) in values) json.WriteString(key, value);
        json.WriteEndObject();
    }
}
