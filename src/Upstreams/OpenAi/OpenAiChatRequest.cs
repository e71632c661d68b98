using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Prompts;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Writes the body of <c>POST /chat/completions</c>.</summary>
internal sealed class OpenAiChatRequest(UpstreamTurn turn, OpenAiBotOptions options, IReadOnlyDictionary<ContentPart, LoadedMedia> media)
{
    private readonly bool _sendsReasoning = options.SendReasoning ?? OpenAiSettings.DemandsReasoning(turn.Account);

    /// <summary>The body.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: a message contains something that the API has no place for.</exception>
    public ReadOnlyMemory<byte> Write() => OpenAiJson.Write(this, static (json, request) => request.WriteBody(json));

    private void WriteBody(Utf8JsonWriter json)
    {
        var settings = turn.Settings;
        json.WriteStartObject();
        json.WriteString("model"u8, turn.Bot.UpstreamBotId);
        json.WriteBoolean("stream"u8, true);
        if (options.StreamUsage)
        {
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
        }
        json.WriteStartArray("messages"u8);
        foreach (var message in turn.Messages) WriteMessage(json, message);
        json.WriteEndArray();
        WriteTools(json, settings);
        WriteFormat(json, settings.Format);
        if (settings.MaxOutputTokens is { } max) json.WriteNumber(options.MaxTokensField ?? OpenAiSettings.DefaultMaxTokensField(turn.Account), max);
        if (settings.PresencePenalty is { } presence) json.WriteNumber("presence_penalty"u8, presence);
        if (settings.FrequencyPenalty is { } frequency) json.WriteNumber("frequency_penalty"u8, frequency);
        if (settings.Seed is { } seed) json.WriteNumber("seed"u8, seed);
        if (settings.ReasoningEffort is { } effort) json.WriteString("reasoning_effort"u8, effort);
        if (settings.Verbosity is { } verbosity) json.WriteString("verbosity"u8, verbosity);
        if (settings.Stop.Count > 0)
        {
            json.WriteStartArray("stop"u8);
            foreach (var stop in settings.Stop) json.WriteStringValue(stop);
            json.WriteEndArray();
        }
        if (options.Store) json.WriteBoolean("store"u8, true);
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
            json.WriteStartObject("function"u8);
            OpenAiSettings.WriteFunction(json, tool);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        OpenAiSettings.WriteToolChoice(json, settings, isNested: true);
    }

    private static void WriteFormat(Utf8JsonWriter json, OutputFormat? format)
    {
        if (format is null) return;
        json.WriteStartObject("response_format"u8);
        if (format.Schema is null)
        {
            json.WriteString("type"u8, "json_object"u8);
        }
        else
        {
            json.WriteString("type"u8, "json_schema"u8);
            json.WriteStartObject("json_schema"u8);
            OpenAiSettings.WriteSchema(json, format);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private void WriteMessage(Utf8JsonWriter json, ChatMessage message)
    {
        json.WriteStartObject();
        switch (message.Role)
        {
            case ChatRole.System:
                json.WriteString("role"u8, options.InstructionsRole);
                json.WriteString("content"u8, message.Text);
                break;
            case ChatRole.Tool when message.ToolCallId is { Length: > 0 } callId:
                json.WriteString("role"u8, "tool"u8);
                json.WriteString("tool_call_id"u8, OpenAiSettings.CallId(callId));
                json.WriteString("content"u8, message.Text);
                break;
            case ChatRole.Tool:
                json.WriteString("role"u8, "user"u8);
                json.WriteString("content"u8, OpenAiSettings.ResultText(message));
                break;
            case ChatRole.Assistant:
                WriteAssistant(json, message);
                break;
            default:
                json.WriteString("role"u8, "user"u8);
                if (message.Content is [TextContent only]) json.WriteString("content"u8, only.Text);
                else WriteParts(json, message.Content);
                break;
        }
        json.WriteEndObject();
    }

    private void WriteAssistant(Utf8JsonWriter json, ChatMessage message)
    {
        json.WriteString("role"u8, "assistant"u8);
        var (text, calls) = OpenAiSettings.SplitCalls(message);
        if (text.Length == 0 && calls.Count > 0) json.WriteNull("content"u8);
        else json.WriteString("content"u8, text);
        // With calls the field is required, also if the model did not think.
        if (_sendsReasoning && (message.Reasoning is not null || calls.Count > 0)) json.WriteString("reasoning_content"u8, message.Reasoning ?? "");
        if (calls.Count == 0) return;
        json.WriteStartArray("tool_calls"u8);
        foreach (var call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, OpenAiSettings.CallId(call.Id));
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, call.Name);
            json.WriteString("arguments"u8, call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteParts(Utf8JsonWriter json, IReadOnlyList<ContentPart> parts)
    {
        json.WriteStartArray("content"u8);
        foreach (var part in parts)
        {
            json.WriteStartObject();
            WritePart(json, part);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WritePart(Utf8JsonWriter json, ContentPart part)
    {
        var loaded = media.GetValueOrDefault(part);
        switch (part)
        {
            case TextContent text:
                WriteText(json, text.Text);
                break;
            case ImageContent image when (loaded?.ToDataUri() ?? image.Source.Url) is { } url:
                json.WriteString("type"u8, "image_url"u8);
                json.WriteStartObject("image_url"u8);
                json.WriteString("url"u8, url);
                if (image.Detail is { } detail) json.WriteString("detail"u8, detail);
                json.WriteEndObject();
                break;
            case AudioContent when loaded is not null:
                json.WriteString("type"u8, "input_audio"u8);
                json.WriteStartObject("input_audio"u8);
                json.WriteBase64String("data"u8, loaded.Bytes.Span);
                json.WriteString("format"u8, loaded.ContentType is "audio/mpeg" ? "mp3" : loaded.ContentType[(loaded.ContentType.IndexOf('/') + 1)..]);
                json.WriteEndObject();
                break;
            case FileContent when loaded is not null:
                json.WriteString("type"u8, "file"u8);
                json.WriteStartObject("file"u8);
                json.WriteString("filename"u8, loaded.Name);
                json.WriteString("file_data"u8, loaded.ToDataUri());
                json.WriteEndObject();
                break;
            default:
                WriteText(json, PromptHistory.LostAttachment);
                break;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string text)
    {
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
    }
}

/// <summary>Writes the settings of a client that are the same in both APIs, or parts of them.</summary>
internal static class OpenAiSettings
{
    /// <summary>The fields of <see cref="GenerationSettings.OpenAiFields"/> that the Responses API has too. It refuses the others.</summary>
    private static readonly string[] CommonFields = ["service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "moderation"];

    /// <summary>Writes the fields that both APIs have in common, and the fields of the bot's options.</summary>
    public static void WriteCommon(Utf8JsonWriter json, UpstreamTurn turn, OpenAiBotOptions options)
    {
        var settings = turn.Settings;
        if (settings.Temperature is { } temperature) json.WriteNumber("temperature"u8, temperature);
        if (settings.TopP is { } topP) json.WriteNumber("top_p"u8, topP);
        if (options.SendUser) json.WriteString("user"u8, turn.User);
        if (options.Store && turn.Metadata.Count > 0)
        {
            json.WriteStartObject("metadata"u8);
            foreach (var (name, value) in turn.Metadata) json.WriteString(name, value);
            json.WriteEndObject();
        }
        foreach (var (name, value) in settings.OpenAiFields)
        {
            if (options.Fields.ContainsKey(name) || (options.UsesResponses && !CommonFields.Contains(name))) continue;
            WriteRaw(json, name, value);
        }
        foreach (var (name, value) in options.Fields) WriteRaw(json, name, value);
    }

    /// <summary>Writes the members of a function.</summary>
    public static void WriteFunction(Utf8JsonWriter json, ToolDefinition tool)
    {
        json.WriteString("name"u8, tool.Name);
        if (tool.Description is { } description) json.WriteString("description"u8, description);
        if (tool.Parameters is { } parameters) WriteRaw(json, "parameters", parameters);
        if (tool.IsStrict is { } strict) json.WriteBoolean("strict"u8, strict);
    }

    /// <summary>Writes the members of a JSON schema.</summary>
    public static void WriteSchema(Utf8JsonWriter json, OutputFormat format)
    {
        json.WriteString("name"u8, format.Name ?? "answer");
        if (format.Description is { } description) json.WriteString("description"u8, description);
        WriteRaw(json, "schema", format.Schema!);
        if (format.IsStrict is { } strict) json.WriteBoolean("strict"u8, strict);
    }

    /// <summary>Writes which tools may and must be called.</summary>
    /// <param name="json">The writer, inside the request.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="isNested">Whether the name of a tool is in an object <c>function</c>, as in chat completions; in responses it is not.</param>
    public static void WriteToolChoice(Utf8JsonWriter json, GenerationSettings settings, bool isNested)
    {
        if (settings.ParallelToolCalls is { } parallel) json.WriteBoolean("parallel_tool_calls"u8, parallel);
        if (settings.ToolChoice is not { } choice) return;
        if (choice.Mode != ToolChoiceMode.Named)
        {
            json.WriteString("tool_choice"u8, NameOf(choice.Mode));
            return;
        }
        json.WriteStartObject("tool_choice"u8);
        json.WriteString("type"u8, "function"u8);
        if (isNested) json.WriteStartObject("function"u8);
        json.WriteString("name"u8, choice.Name);
        if (isNested) json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The API's word for a rule about tool calls.</summary>
    private static string NameOf(ToolChoiceMode mode) => mode switch
    {
        ToolChoiceMode.None => "none",
        ToolChoiceMode.Required => "required",
        _ => "auto",
    };

    /// <summary>The text and the calls of an answer. Calls of the deprecated form have no ids, which both APIs need, so they become text.</summary>
    public static (string Text, IReadOnlyList<ToolCall> Calls) SplitCalls(ChatMessage message)
    {
        var others = message.ToolCalls.Where(call => call.Id.Length == 0).Select(call => $"(called {call.Name} with {call.Arguments})");
        return (string.Join('\n', [message.Text, .. others]), [.. message.ToolCalls.Where(call => call.Id.Length > 0)]);
    }

    /// <summary>The result of a call that has no id, as text.</summary>
    public static string ResultText(ChatMessage message) => $"(the function returned {message.Text})";

    /// <summary>An id of a tool call that the API accepts. Ids of other upstreams may be longer.</summary>
    public static string CallId(string id) => id.Length <= OpenAiLimits.MaxCallId ? id : $"call_{GrainKeys.Hash(id)}";

    /// <summary>The name of the field for the longest output. Only new servers know the new name, and OpenAI's new models refuse the old one.</summary>
    public static string DefaultMaxTokensField(AccountDefinition account) =>
        IsAt(account, ".openai.com", ".azure.com") ? "max_completion_tokens" : "max_tokens";

    /// <summary>Whether the server refuses tool calls in the history without the reasoning before them.</summary>
    public static bool DemandsReasoning(AccountDefinition account) => IsAt(account, ".deepseek.com", ".moonshot.cn", ".moonshot.ai");

    private static bool IsAt(AccountDefinition account, params string[] domains) =>
        Uri.TryCreate(account.BaseUrl, UriKind.Absolute, out var url)
        && Array.Exists(domains, domain => url.Host.EndsWith(domain, StringComparison.OrdinalIgnoreCase));

    /// <summary>Writes a member whose value is JSON text.</summary>
    public static void WriteRaw(Utf8JsonWriter json, string name, string value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value);
    }
}

/// <summary>Writes JSON for requests.</summary>
internal static class OpenAiJson
{
    // Writes Chinese text as it is instead of escaping it. The stricter escaping of the default encoder protects HTML pages only.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one JSON value.</summary>
    public static ReadOnlyMemory<byte> Write<TState>(TState state, Action<Utf8JsonWriter, TState> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Options)) write(json, state);
        return buffer.WrittenMemory;
    }
}
