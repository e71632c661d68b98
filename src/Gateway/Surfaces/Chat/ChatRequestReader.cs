using System.Buffers;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Conversations;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>Reads and checks the body of a chat completion request.</summary>
internal static class ChatRequestReader
{
    private const int MaxModelLength = 256;
    private const int MaxUserLength = 1024;

    /// <summary>Reads a request.</summary>
    /// <param name="root">The body.</param>
    /// <param name="bytes">The bytes of the body.</param>
    /// <param name="models">The models of the tenant.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static ChatRequest Read(JsonElement root, ReadOnlySequence<byte> bytes, RequestedModels models)
    {
        var path = JsonFieldPath.Root;
        var model = FindModel(root, models);
        var rules = model is null ? default : models.RulesOf(model);
        var ignored = ChatFields.Check(root, rules);

        var stream = JsonInput.FindMember(root, "stream") is { } streamed && JsonInput.ReadBoolean(streamed, path["stream"]);
        var messages = new MessageReader();
        messages.Read(JsonInput.GetMember(root, "messages", path), path["messages"]);
        var (waitingTurnId, outputs) = messages.FindToolOutputs(path["messages"]);
        return new ChatRequest
        {
            Model = model ?? JsonInput.ReadString(JsonInput.GetMember(root, "model", path), path["model"], 1, MaxModelLength),
            IgnoredFields = ignored,
            Messages = messages.Messages,
            Uploads = messages.Uploads,
            PromptLength = messages.Length,
            Stream = stream,
            IncludeUsage = ReadIncludeUsage(root, path["stream_options"], stream),
            Choices = JsonInput.FindMember(root, "n") is { } choices ? (int)JsonInput.ReadInteger(choices, path["n"], 1, ChatRequest.MaxChoices) : 1,
            ConversationName = JsonInput.FindMember(root, "conversation_id") is { } name
                ? ConversationNames.CheckNew(JsonInput.ReadString(name, path["conversation_id"]), "conversation_id")
                : null,
            User = JsonInput.FindText(root, "user", path, MaxUserLength) ?? JsonInput.FindText(root, "safety_identifier", path, MaxUserLength),
            Metadata = JsonInput.ReadStrings(root, "metadata", path, 16, 64, 512),
            Variables = JsonInput.ReadStrings(root, "custom_variables", path, 256, 256, 1 << 16),
            WaitingTurnId = waitingTurnId,
            ToolOutputs = outputs,
            Settings = rules.HonoursSettings ? SettingsReader.Read(root) : GenerationSettings.None,
            Fingerprint = JsonBody.Fingerprint(bytes),
        };
    }

    /// <summary>The name of the model; null if there is none, or if it is not valid.</summary>
    private static string? FindModel(JsonElement root, RequestedModels models)
    {
        if (JsonInput.FindMember(root, "model") is not { } given) return models.Default;
        var name = given.ValueKind == JsonValueKind.String ? JsonInput.ReadString(given, JsonFieldPath.Root["model"]) : null;
        return name is "" ? models.Default : name?.Length <= MaxModelLength ? name : null;
    }

    private static bool ReadIncludeUsage(JsonElement root, JsonFieldPath path, bool stream)
    {
        if (JsonInput.FindMember(root, "stream_options") is not { } options) return false;
        JsonInput.CheckObject(options, path);
        if (!stream) throw path.Invalid("'stream_options' is only allowed when 'stream' is true.");
        if (JsonInput.FindMember(options, "include_obfuscation") is { } obfuscation) JsonInput.ReadBoolean(obfuscation, path["include_obfuscation"]);
        return JsonInput.FindMember(options, "include_usage") is { } usage && JsonInput.ReadBoolean(usage, path["include_usage"]);
    }
}

/// <summary>Reads the messages of a chat completion request.</summary>
internal sealed class MessageReader
{
    /// <summary>The largest number of messages in a request, on every surface. It is OpenAI's limit.</summary>
    public const int MaxMessages = 2048;

    private const int MaxToolCalls = 128;
    private const int MaxCallIdLength = 256;
    private readonly List<ChatMessage> _messages = [];
    private readonly ContentReader _content = new();

    public IReadOnlyList<ChatMessage> Messages => _messages;

    public IReadOnlyList<Upload> Uploads => _content.Uploads;

    /// <summary>The number of text characters in all messages.</summary>
    public int Length => _content.Length;

    public void Read(JsonElement messages, JsonFieldPath path)
    {
        JsonInput.CheckArray(messages, path);
        if (messages.GetArrayLength() is > MaxMessages and var count)
            throw path.Invalid($"Invalid 'messages': expected an array of at most {MaxMessages} messages, but got {count}.");
        var index = 0;
        foreach (var message in messages.EnumerateArray()) _messages.Add(ReadMessage(message, path[index++]));
        if (index == 0) throw path.Invalid("Invalid 'messages': expected at least one message, but got an empty array.");
        MakeLastInstructionsThePrompt(_messages);
    }

    /// <summary>
    /// Some clients ask with a system message after the history (NextChat: "summarize the discussion"). Instructions that follow an answer, or that are alone,
    /// are what the bot has to answer.
    /// </summary>
    public static void MakeLastInstructionsThePrompt(List<ChatMessage> messages)
    {
        var first = messages.FindLastIndex(message => message.Role != ChatRole.System) + 1;
        if (first > 0 && messages[first - 1].Role == ChatRole.User) return;
        for (var i = first == 0 ? messages.Count - 1 : first; i < messages.Count; i++) messages[i] = messages[i] with { Role = ChatRole.User };
    }

    /// <summary>Finds the tool results at the end of the messages that an earlier turn of this service waits for.</summary>
    /// <returns>The id of that turn; null if no result at the end answers a call of this service.</returns>
    public (string? TurnId, IReadOnlyList<ToolOutput> Outputs) FindToolOutputs(JsonFieldPath path)
    {
        string? turnId = null;
        var outputs = new List<ToolOutput>();
        for (var i = _messages.Count - 1; i >= 0 && _messages[i] is { Role: ChatRole.Tool, ToolCallId: { } callId } message; i--)
        {
            if (!ToolCallIds.TryParse(callId, out var waiting, out _)) continue;
            turnId ??= waiting;
            if (turnId != waiting)
            {
                throw path[i]["tool_call_id"].Invalid(
                    "The tool results at the end of 'messages' answer calls of different replies. Send only the results for the last reply.");
            }
            outputs.Insert(0, new ToolOutput(callId, message.Text));
        }
        return (turnId, outputs);
    }

    private ChatMessage ReadMessage(JsonElement message, JsonFieldPath path)
    {
        JsonInput.CheckObject(message, path);
        if (JsonInput.FindMember(message, "name") is { } name) JsonInput.ReadString(name, path["name"]);
        var rolePath = path["role"];
        return JsonInput.ReadString(JsonInput.GetMember(message, "role", path), rolePath) switch
        {
            "system" or "developer" => new ChatMessage(ChatRole.System, ReadContent(message, path, allowMedia: false)),
            "user" => new ChatMessage(ChatRole.User, ReadContent(message, path, allowMedia: true)),
            "assistant" => ReadAssistant(message, path),
            "tool" => new ChatMessage(ChatRole.Tool, ReadContent(message, path, allowMedia: false))
            {
                ToolCallId = JsonInput.ReadString(JsonInput.GetMember(message, "tool_call_id", path), path["tool_call_id"], 1, MaxCallIdLength),
            },
            "function" => new ChatMessage(ChatRole.Tool, ReadContent(message, path, allowMedia: false)),
            _ => throw rolePath.Invalid($"Invalid value for '{rolePath}': expected \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"."),
        };
    }

    private List<ContentPart> ReadContent(JsonElement message, JsonFieldPath path, bool allowMedia) =>
        _content.Read(JsonInput.GetMember(message, "content", path), path["content"], allowMedia);

    private ChatMessage ReadAssistant(JsonElement message, JsonFieldPath path)
    {
        if (JsonInput.FindMember(message, "audio") is not null) throw FieldChecks.NotSupported(path["audio"], "bots reply with text only; omit it");
        var calls = ReadToolCalls(message, path);
        var content = JsonInput.FindMember(message, "content") is { } given ? _content.Read(given, path["content"], allowMedia: true)
            : JsonInput.FindMember(message, "refusal") is { } refusal ? [new TextContent(JsonInput.ReadString(refusal, path["refusal"]))]
            : calls.Count > 0 ? []
            : new List<ContentPart> { new TextContent("") };
        return new ChatMessage(ChatRole.Assistant, content) { ToolCalls = calls, Reasoning = ReadReasoning(message, path) };
    }

    // Clients send back what they received, under the name of this API or of the server that they used before.
    private static string? ReadReasoning(JsonElement message, JsonFieldPath path)
    {
        foreach (var name in (string[])["reasoning_content", "reasoning"])
        {
            if (JsonInput.FindMember(message, name) is not { ValueKind: JsonValueKind.String } given) continue;
            var text = JsonInput.ReadString(given, path[name]);
            if (text.Length > 0) return text;
        }
        return null;
    }

    private static List<ToolCall> ReadToolCalls(JsonElement message, JsonFieldPath path)
    {
        var calls = new List<ToolCall>();
        if (JsonInput.FindMember(message, "function_call") is { } legacyCall) calls.Add(ReadCall("", legacyCall, "arguments", path["function_call"]));
        if (JsonInput.FindMember(message, "tool_calls") is not { } given) return calls;
        var callsPath = path["tool_calls"];
        JsonInput.CheckArray(given, callsPath);
        if (given.GetArrayLength() > MaxToolCalls) throw callsPath.Invalid($"Invalid '{callsPath}': expected at most {MaxToolCalls} calls.");
        var index = 0;
        foreach (var call in given.EnumerateArray())
        {
            var callPath = callsPath[index++];
            JsonInput.CheckObject(call, callPath);
            var id = JsonInput.ReadString(JsonInput.GetMember(call, "id", callPath), callPath["id"], 0, MaxCallIdLength);
            calls.Add(JsonInput.FindMember(call, "custom") is { } custom
                ? ReadCall(id, custom, "input", callPath["custom"])
                : ReadCall(id, JsonInput.GetMember(call, "function", callPath), "arguments", callPath["function"]));
        }
        return calls;
    }

    private static ToolCall ReadCall(string id, JsonElement call, string argumentsName, JsonFieldPath path)
    {
        JsonInput.CheckObject(call, path);
        var name = JsonInput.ReadString(JsonInput.GetMember(call, "name", path), path["name"]);
        return new ToolCall(id, name, JsonInput.ReadString(JsonInput.GetMember(call, argumentsName, path), path[argumentsName]));
    }
}

/// <summary>Reads the content of messages: a string, or an array of parts. Collects media bytes for the blob store.</summary>
/// <param name="anyFileAsImage">Whether a part with an image may contain a file of any kind, as some clients send files to older systems.</param>
internal sealed class ContentReader(bool anyFileAsImage = false)
{
    private const int MaxParts = 4096;
    private const int MaxDetailLength = 64;

    private readonly List<Upload> _uploads = [];
    private int _partCount;

    public IReadOnlyList<Upload> Uploads => _uploads;

    /// <summary>The number of text characters read so far.</summary>
    public int Length { get; private set; }

    /// <param name="content">A string or an array of parts.</param>
    /// <param name="path">Its path.</param>
    /// <param name="allowMedia">Whether a message of this role may contain images, audio and files.</param>
    public List<ContentPart> Read(JsonElement content, JsonFieldPath path, bool allowMedia)
    {
        if (content.ValueKind == JsonValueKind.String) return [ReadText(content, path)];
        if (content.ValueKind != JsonValueKind.Array) throw path.Mistyped("a string or an array of parts", content);
        _partCount += content.GetArrayLength();
        if (_partCount > MaxParts) throw path.Invalid($"Invalid '{path}': a request can have at most {MaxParts} content parts.");
        var parts = new List<ContentPart>(content.GetArrayLength());
        foreach (var part in content.EnumerateArray())
        {
            var partPath = path[parts.Count];
            JsonInput.CheckObject(part, partPath);
            ReadPart(part, partPath, parts, allowMedia);
        }
        if (parts.Count == 0) throw path.Invalid($"Invalid '{path}': expected at least one part, but got an empty array.");
        return parts;
    }

    private void ReadPart(JsonElement part, JsonFieldPath path, List<ContentPart> parts, bool allowMedia)
    {
        var typePath = path["type"];
        var type = JsonInput.ReadString(JsonInput.GetMember(part, "type", path), typePath);
        switch (type)
        {
            case "text" or "refusal":
                parts.Add(ReadText(JsonInput.GetMember(part, type, path), path[type]));
                break;
            case "image_url" or "input_audio" or "file" or "file_url" when !allowMedia:
                throw typePath.Invalid($"Invalid value for '{typePath}': messages of this role contain only text.");
            case "image_url":
                ReadImage(JsonInput.GetMember(part, "image_url", path), path["image_url"], parts);
                break;
            case "input_audio":
                ReadAudio(JsonInput.GetMember(part, "input_audio", path), path["input_audio"], parts);
                break;
            case "file":
                ReadFile(JsonInput.GetMember(part, "file", path), path["file"], parts);
                break;
            case "file_url":
                var (url, urlPath) = ReadUrl(JsonInput.GetMember(part, "file_url", path), path["file_url"]);
                AddUrl(parts, url, urlPath, "file", static source => new FileContent(source));
                break;
            default:
                throw typePath.Invalid($"Invalid value for '{typePath}': expected \"text\", \"image_url\", \"input_audio\" or \"file\".");
        }
    }

    private TextContent ReadText(JsonElement text, JsonFieldPath path)
    {
        var value = JsonInput.ReadString(text, path);
        Length += value.Length;
        return new TextContent(value);
    }

    private void ReadImage(JsonElement image, JsonFieldPath path, List<ContentPart> parts)
    {
        var detail = image.ValueKind == JsonValueKind.Object && JsonInput.FindMember(image, "detail") is { } given
            ? JsonInput.ReadString(given, path["detail"], 0, MaxDetailLength)
            : null;
        var (url, urlPath) = ReadUrl(image, path);
        if (anyFileAsImage) AddUrl(parts, url, urlPath, "file", ImageOrFile);
        else AddUrl(parts, url, urlPath, "image", source => new ImageContent(source) { Detail = string.IsNullOrEmpty(detail) ? null : detail }, "image/");
    }

    private static ContentPart ImageOrFile(MediaSource source) =>
        source.Blob is null || source.Blob.ContentType.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
            ? new ImageContent(source)
            : new FileContent(source);

    private void ReadAudio(JsonElement audio, JsonFieldPath path, List<ContentPart> parts)
    {
        JsonInput.CheckObject(audio, path);
        var formatPath = path["format"];
        var format = JsonInput.ReadString(JsonInput.GetMember(audio, "format", path), formatPath);
        if (format is not ("wav" or "mp3" or "ogg")) throw formatPath.Invalid($"Invalid value for '{formatPath}': expected \"wav\", \"mp3\" or \"ogg\".");
        var bytes = DataUri.DecodeBase64(JsonInput.ReadUtf8(JsonInput.GetMember(audio, "data", path), path["data"]), path["data"]);
        AddUpload(parts, new Media("audio." + format, format == "mp3" ? "audio/mpeg" : "audio/" + format, bytes), static source => new AudioContent(source));
    }

    private void ReadFile(JsonElement file, JsonFieldPath path, List<ContentPart> parts)
    {
        JsonInput.CheckObject(file, path);
        var name = JsonInput.FindMember(file, "filename") is { } filename ? JsonInput.ReadString(filename, path["filename"], 0, 255) : null;
        if (JsonInput.FindMember(file, "file_data") is { } data)
        {
            var utf8 = JsonInput.ReadUtf8(data, path["file_data"]);
            var media = DataUri.IsDataUri(utf8) ? DataUri.Read(utf8, "file", path["file_data"]) : DataUri.ReadBase64(utf8, name, path["file_data"]);
            AddUpload(parts, string.IsNullOrEmpty(name) ? media : media with { Name = name }, static source => new FileContent(source));
            return;
        }
        if (JsonInput.FindMember(file, "file_url") is { } url)
        {
            AddUrl(parts, url, path["file_url"], "file", static source => new FileContent(source));
            return;
        }
        if (JsonInput.FindMember(file, "file_id") is not null)
            throw FieldChecks.NotSupported(path["file_id"], "this API stores no files; send the file as 'file_data' or its URL as 'file_url'");
        throw path["file_data"].Missing();
    }

    /// <summary>Reads a URL that clients send as <c>{"url":…}</c> or as a string.</summary>
    private static (JsonElement Url, JsonFieldPath Path) ReadUrl(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind == JsonValueKind.String) return (value, path);
        if (value.ValueKind != JsonValueKind.Object) throw path.Mistyped("an object", value);
        return (JsonInput.GetMember(value, "url", path), path["url"]);
    }

    /// <summary>Adds media that a client gave as an http or https URL, or as a data URI.</summary>
    public void AddUrl(
        List<ContentPart> parts, JsonElement url, JsonFieldPath path, string name, Func<MediaSource, ContentPart> createPart, string mediaType = "")
    {
        var utf8 = JsonInput.ReadUtf8(url, path);
        if (DataUri.IsDataUri(utf8))
        {
            var media = DataUri.Read(utf8, name, path);
            if (!media.ContentType.StartsWith(mediaType, StringComparison.OrdinalIgnoreCase))
                throw path.Invalid($"Invalid '{path}': expected a data URI of type {mediaType}*, but got {media.ContentType}.");
            AddUpload(parts, media, createPart);
            return;
        }
        var text = JsonInput.ReadString(url, path);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
            throw path.Invalid($"Invalid '{path}': expected an http or https URL, or a data URI with base64.");
        parts.Add(createPart(new MediaSource(text, null)));
    }

    private void AddUpload(List<ContentPart> parts, Media media, Func<MediaSource, ContentPart> createPart)
    {
        // A placeholder, which is replaced when the bytes are in the blob store.
        parts.Add(new TextContent(""));
        _uploads.Add(new Upload(parts, parts.Count - 1, media, createPart));
    }
}
