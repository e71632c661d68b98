using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>Reads requests in the form of Claude's and Gemini's own APIs, which are answered in OpenAI's form.</summary>
internal sealed class NativeRequestReader
{
    public const string Claude = UpstreamNames.Claude;
    public const string Gemini = UpstreamNames.Gemini;

    private const int MaxParts = 4096;
    private const int MaxStops = 16;
    private const int MaxStopLength = 1024;

    private readonly List<ChatMessage> _messages = [];
    private readonly List<Upload> _uploads = [];
    private int _length;
    private int _parts;

    /// <summary>Reads the body of <c>POST /claude/api/openai</c>: a request of the Messages API.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static AiProxyRequest ReadClaude(JsonElement root)
    {
        var (reader, path) = (new NativeRequestReader(), JsonFieldPath.Root);
        if (JsonInput.FindMember(root, "system") is { } system) reader.Add(ChatRole.System, system, path["system"]);
        reader.AddAll(root, "messages", "content", "assistant");
        return reader.ToRequest(Claude, root, new GenerationSettings
        {
            MaxOutputTokens = ReadTokens(root, "max_tokens", path),
            Temperature = ReadNumber(root, "temperature", path),
            TopP = ReadNumber(root, "top_p", path),
            Stop = ReadStops(root, "stop_sequences", path),
        });
    }

    /// <summary>Reads the body of <c>POST /gemini/openai</c>: a request of <c>generateContent</c> that also names its model.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static AiProxyRequest ReadGemini(JsonElement root)
    {
        var (reader, path) = (new NativeRequestReader(), JsonFieldPath.Root);
        foreach (var name in (string[])["systemInstruction", "system_instruction"]) reader.AddInstruction(root, name, path);
        reader.AddAll(root, "contents", "parts", "model");
        var settings = GenerationSettings.None;
        if (JsonInput.FindMember(root, "generationConfig") is { } config)
        {
            path = path["generationConfig"];
            JsonInput.CheckObject(config, path);
            settings = new GenerationSettings
            {
                MaxOutputTokens = ReadTokens(config, "maxOutputTokens", path),
                Temperature = ReadNumber(config, "temperature", path),
                TopP = ReadNumber(config, "topP", path),
                Stop = ReadStops(config, "stopSequences", path),
            };
        }
        return reader.ToRequest(Gemini, root, settings);
    }

    private AiProxyRequest ToRequest(string provider, JsonElement root, GenerationSettings settings) => new()
    {
        Provider = provider,
        Model = AiProxyRequestReader.ReadText(root, "model", JsonFieldPath.Root),
        Messages = _messages,
        Uploads = _uploads,
        PromptLength = _length,
        Settings = settings,
    };

    // Gemini's own form is one object; clients of the older system send a list of them.
    private void AddInstruction(JsonElement root, string name, JsonFieldPath path)
    {
        if (JsonInput.FindMember(root, name) is not { } given) return;
        if (given.ValueKind != JsonValueKind.Array)
        {
            Add(ChatRole.System, JsonInput.GetMember(given, "parts", path[name]), path[name]["parts"]);
            return;
        }
        var index = 0;
        foreach (var instruction in given.EnumerateArray())
        {
            var at = path[name][index++];
            JsonInput.CheckObject(instruction, at);
            Add(ChatRole.System, JsonInput.GetMember(instruction, "parts", at), at["parts"]);
        }
    }

    private void AddAll(JsonElement root, string name, string contentName, string ownRole)
    {
        var path = JsonFieldPath.Root[name];
        var messages = JsonInput.GetMember(root, name, JsonFieldPath.Root);
        JsonInput.CheckArray(messages, path);
        if (messages.GetArrayLength() is var count and (0 or > MessageReader.MaxMessages))
            throw path.Invalid($"Invalid '{path}': expected 1 to {MessageReader.MaxMessages} messages, but got {count}.");
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var at = path[index++];
            JsonInput.CheckObject(message, at);
            var role = JsonInput.FindMember(message, "role") is { } given ? JsonInput.ReadString(given, at["role"]) : "user";
            if (role != "user" && role != ownRole) throw at["role"].Invalid($"Invalid value for '{at["role"]}': expected \"user\" or \"{ownRole}\".");
            Add(role == "user" ? ChatRole.User : ChatRole.Assistant, JsonInput.GetMember(message, contentName, at), at[contentName]);
        }
    }

    private void Add(ChatRole role, JsonElement content, JsonFieldPath path)
    {
        var parts = new List<ContentPart>();
        if (content.ValueKind == JsonValueKind.String) AddText(parts, content, path);
        else
        {
            JsonInput.CheckArray(content, path);
            _parts += content.GetArrayLength();
            if (_parts > MaxParts) throw path.Invalid($"Invalid '{path}': a request can have at most {MaxParts} content parts.");
            var index = 0;
            foreach (var part in content.EnumerateArray())
            {
                var at = path[index++];
                JsonInput.CheckObject(part, at);
                AddPart(parts, part, at);
            }
        }
        if (parts.Count == 0) throw path.Invalid($"Invalid '{path}': expected at least one part, but got none.");
        _messages.Add(new ChatMessage(role, parts));
    }

    private void AddPart(List<ContentPart> parts, JsonElement part, JsonFieldPath path)
    {
        if (JsonInput.FindMember(part, "text") is { } text)
        {
            AddText(parts, text, path["text"]);
            return;
        }
        // Claude: source; Gemini: inlineData or fileData; the older system: their members in the part itself.
        var (media, at) = (part, path);
        foreach (var name in (string[])["source", "inlineData", "inline_data", "fileData", "file_data"])
        {
            if (JsonInput.FindMember(part, name) is not { } found) continue;
            (media, at) = (found, path[name]);
            JsonInput.CheckObject(media, at);
            break;
        }
        if (JsonInput.FindMember(media, "data") is { } data)
        {
            var bytes = DataUri.ReadBase64(JsonInput.ReadUtf8(data, at["data"]), null, at["data"]);
            var isImage = bytes.ContentType.StartsWith("image/", StringComparison.Ordinal);
            parts.Add(new TextContent(""));
            _uploads.Add(new Upload(parts, parts.Count - 1, bytes, source => isImage ? new ImageContent(source) : new FileContent(source)));
            return;
        }
        foreach (var name in (string[])["url", "fileUri", "file_uri"])
        {
            if (JsonInput.FindMember(media, name) is not { } given) continue;
            var url = JsonInput.ReadString(given, at[name]);
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
                throw at[name].Invalid($"Invalid '{at[name]}': expected an http or https URL.");
            parts.Add(name == "url" ? new ImageContent(new MediaSource(url, null)) : new FileContent(new MediaSource(url, null)));
            return;
        }
        throw path.Invalid($"Invalid '{path}': expected text, or media as base64 or by URL.");
    }

    private void AddText(List<ContentPart> parts, JsonElement text, JsonFieldPath path)
    {
        var value = JsonInput.ReadString(text, path);
        _length += value.Length;
        parts.Add(new TextContent(value));
    }

    private static int? ReadTokens(JsonElement value, string name, JsonFieldPath path) =>
        JsonInput.FindMember(value, name) is { } given && JsonInput.ReadInteger(given, path[name], 0, int.MaxValue) is > 0 and var tokens ? (int)tokens : null;

    private static double? ReadNumber(JsonElement value, string name, JsonFieldPath path)
    {
        if (JsonInput.FindMember(value, name) is not { } given) return null;
        JsonInput.CheckNumber(given, path[name], 0, 2);
        return given.GetDouble();
    }

    private static List<string> ReadStops(JsonElement value, string name, JsonFieldPath path)
    {
        var stops = new List<string>();
        if (JsonInput.FindMember(value, name) is not { } given) return stops;
        JsonInput.CheckArray(given, path[name]);
        if (given.GetArrayLength() > MaxStops) throw path[name].Invalid($"Invalid '{path[name]}': expected at most {MaxStops} texts.");
        foreach (var stop in given.EnumerateArray()) stops.Add(JsonInput.ReadString(stop, path[name][stops.Count], 1, MaxStopLength));
        return stops;
    }
}
