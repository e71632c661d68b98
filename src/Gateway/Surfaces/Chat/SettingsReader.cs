using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>
/// Reads the fields of a chat completion request that language models honour: <see cref="FieldUse.IgnoredByBots"/> and <see cref="FieldUse.RejectedByBots"/>.
/// </summary>
internal static class SettingsReader
{
    private const int MaxTools = 128;
    private const int MaxNameLength = 64;
    private const int MaxDescriptionLength = 1 << 16;
    private const int MaxSchemaBytes = 1 << 20;
    private const int MaxWordLength = 64;
    private const int MaxStops = 4;
    private const int MaxStopLength = 1024;
    private const int MaxFieldBytes = 1 << 16;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    private static readonly string[] OpenAiFields =
        ["logit_bias", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "moderation", "prediction", "web_search_options"];

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static GenerationSettings Read(JsonElement root)
    {
        var path = JsonFieldPath.Root;
        var tools = JsonInput.FindMember(root, "tools") is { } given ? ReadTools(given, path["tools"]) : [];
        var choice = JsonInput.FindMember(root, "tool_choice") is { } chosen ? ReadToolChoice(chosen, path["tool_choice"], tools) : null;
        return ReadWithoutTools(root) with
        {
            Tools = tools,
            ToolChoice = choice,
            ParallelToolCalls = JsonInput.FindMember(root, "parallel_tool_calls") is { } parallel
                ? JsonInput.ReadBoolean(parallel, path["parallel_tool_calls"])
                : null,
        };
    }

    /// <summary>Reads the same without the fields about tools, for surfaces that have none.</summary>
    /// <inheritdoc cref="Read"/>
    public static GenerationSettings ReadWithoutTools(JsonElement root)
    {
        var path = JsonFieldPath.Root;
        return new GenerationSettings
        {
            Format = JsonInput.FindMember(root, "response_format") is { } format ? ReadFormat(format, path["response_format"]) : null,
            Temperature = ReadNumber(root, "temperature", 0, 2),
            TopP = ReadNumber(root, "top_p", 0, 1),
            PresencePenalty = ReadNumber(root, "presence_penalty", -2, 2),
            FrequencyPenalty = ReadNumber(root, "frequency_penalty", -2, 2),
            Seed = JsonInput.FindMember(root, "seed") is { } seed ? JsonInput.ReadInteger(seed, path["seed"], long.MinValue, long.MaxValue) : null,
            MaxOutputTokens = ReadMaxTokens(root, "max_completion_tokens") ?? ReadMaxTokens(root, "max_tokens"),
            Stop = JsonInput.FindMember(root, "stop") is { } stop ? ReadStop(stop, path["stop"]) : [],
            ReasoningEffort = ReadWord(root, "reasoning_effort"),
            Verbosity = ReadWord(root, "verbosity"),
            OpenAiFields = ReadOpenAiFields(root),
        };
    }

    private static List<ToolDefinition> ReadTools(JsonElement value, JsonFieldPath path)
    {
        JsonInput.CheckArray(value, path);
        if (value.GetArrayLength() is > MaxTools and var count) throw path.Invalid($"Invalid '{path}': expected at most {MaxTools} tools, but got {count}.");
        var tools = new List<ToolDefinition>(value.GetArrayLength());
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in value.EnumerateArray())
        {
            var toolPath = path[tools.Count];
            JsonInput.CheckObject(tool, toolPath);
            var type = JsonInput.ReadString(JsonInput.GetMember(tool, "type", toolPath), toolPath["type"]);
            if (type != "function") throw FieldChecks.NotSupported(toolPath["type"], "only tools of the type \"function\" are");
            var functionPath = toolPath["function"];
            var function = JsonInput.GetMember(tool, "function", toolPath);
            JsonInput.CheckObject(function, functionPath);
            var name = ReadName(function, functionPath);
            if (!names.Add(name)) throw functionPath["name"].Invalid($"Invalid '{functionPath["name"]}': another tool has this name.");
            tools.Add(new ToolDefinition(
                name,
                ReadDescription(function, functionPath),
                JsonInput.FindMember(function, "parameters") is { } parameters ? ReadSchema(parameters, functionPath["parameters"]) : null,
                JsonInput.FindMember(function, "strict") is { } strict ? JsonInput.ReadBoolean(strict, functionPath["strict"]) : null));
        }
        return tools;
    }

    private static ToolChoice? ReadToolChoice(JsonElement value, JsonFieldPath path, List<ToolDefinition> tools)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            return JsonInput.ReadString(JsonInput.GetMember(value, "type", path), path["type"]) switch
            {
                "function" => new ToolChoice(ToolChoiceMode.Named, ReadNamedTool(value, path, tools)),
                "allowed_tools" => ReadAllowedTools(JsonInput.GetMember(value, "allowed_tools", path), path["allowed_tools"], tools),
                _ => throw FieldChecks.NotSupported(path["type"], "only a choice of the type \"function\" or \"allowed_tools\" is"),
            };
        }
        ToolChoiceMode mode = JsonInput.ReadString(value, path) switch
        {
            "auto" => ToolChoiceMode.Auto,
            "none" => ToolChoiceMode.None,
            "required" => ToolChoiceMode.Required,
            _ => throw path.Invalid($"Invalid value for '{path}': expected \"none\", \"auto\", \"required\" or an object."),
        };
        if (mode == ToolChoiceMode.Required && tools.Count == 0) throw path.Invalid($"Invalid '{path}': it needs 'tools'.");
        return tools.Count > 0 ? new ToolChoice(mode) : null;
    }

    /// <summary>Reads which of the tools may be called. The others are left out of the request, so this means the same for every upstream.</summary>
    private static ToolChoice ReadAllowedTools(JsonElement value, JsonFieldPath path, List<ToolDefinition> tools)
    {
        JsonInput.CheckObject(value, path);
        ToolChoiceMode mode = JsonInput.ReadString(JsonInput.GetMember(value, "mode", path), path["mode"]) switch
        {
            "auto" => ToolChoiceMode.Auto,
            "required" => ToolChoiceMode.Required,
            _ => throw path["mode"].Invalid($"Invalid value for '{path["mode"]}': expected \"auto\" or \"required\"."),
        };
        var given = JsonInput.GetMember(value, "tools", path);
        JsonInput.CheckArray(given, path["tools"]);
        if (given.GetArrayLength() is 0 or > MaxTools) throw path["tools"].Invalid($"Invalid '{path["tools"]}': expected 1 to {MaxTools} tools.");
        var allowed = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var tool in given.EnumerateArray())
        {
            var toolPath = path["tools"][index++];
            JsonInput.CheckObject(tool, toolPath);
            if (JsonInput.ReadString(JsonInput.GetMember(tool, "type", toolPath), toolPath["type"]) != "function")
                throw FieldChecks.NotSupported(toolPath["type"], "only tools of the type \"function\" are");
            allowed.Add(ReadNamedTool(tool, toolPath, tools));
        }
        tools.RemoveAll(tool => !allowed.Contains(tool.Name));
        return new ToolChoice(mode);
    }

    private static string ReadNamedTool(JsonElement value, JsonFieldPath path, List<ToolDefinition> tools)
    {
        var functionPath = path["function"];
        var function = JsonInput.GetMember(value, "function", path);
        JsonInput.CheckObject(function, functionPath);
        var name = ReadName(function, functionPath);
        return tools.Exists(tool => tool.Name == name)
            ? name
            : throw functionPath["name"].Invalid($"Invalid '{functionPath["name"]}': 'tools' has no such function.");
    }

    private static OutputFormat? ReadFormat(JsonElement value, JsonFieldPath path)
    {
        JsonInput.CheckObject(value, path);
        var typePath = path["type"];
        switch (JsonInput.ReadString(JsonInput.GetMember(value, "type", path), typePath))
        {
            case "text": return null;
            case "json_object": return new OutputFormat(null, null, null);
            case "json_schema": break;
            default: throw typePath.Invalid($"Invalid value for '{typePath}': expected \"text\", \"json_object\" or \"json_schema\".");
        }
        var schemaPath = path["json_schema"];
        var schema = JsonInput.GetMember(value, "json_schema", path);
        JsonInput.CheckObject(schema, schemaPath);
        return new OutputFormat(
            ReadSchema(JsonInput.GetMember(schema, "schema", schemaPath), schemaPath["schema"]),
            ReadName(schema, schemaPath),
            JsonInput.FindMember(schema, "strict") is { } strict ? JsonInput.ReadBoolean(strict, schemaPath["strict"]) : null)
        {
            Description = ReadDescription(schema, schemaPath),
        };
    }

    private static string ReadName(JsonElement value, JsonFieldPath path)
    {
        var name = JsonInput.ReadString(JsonInput.GetMember(value, "name", path), path["name"], 1, MaxNameLength);
        return name.AsSpan().ContainsAnyExcept(NameCharacters)
            ? throw path["name"].Invalid($"Invalid '{path["name"]}': expected 1 to {MaxNameLength} of a-z A-Z 0-9 _ -.")
            : name;
    }

    private static string? ReadDescription(JsonElement value, JsonFieldPath path) => JsonInput.FindMember(value, "description") is { } description
        ? JsonInput.ReadString(description, path["description"], 0, MaxDescriptionLength)
        : null;

    private static string ReadSchema(JsonElement value, JsonFieldPath path)
    {
        JsonInput.CheckObject(value, path);
        return ReadJson(value, path, MaxSchemaBytes);
    }

    // Written anew: text that is not valid Unicode is refused here, and not by the upstream.
    private static string ReadJson(JsonElement value, JsonFieldPath path, int maxBytes)
    {
        var raw = value.GetRawText();
        if (raw.Length > maxBytes) throw path.Invalid($"Invalid '{path}': expected at most {maxBytes} characters, but got {raw.Length}.");
        try
        {
            var buffer = new ArrayBufferWriter<byte>(raw.Length);
            using (var writer = new Utf8JsonWriter(buffer, JsonBody.WriterOptions)) value.WriteTo(writer);
            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            throw path.Invalid($"Invalid text in '{path}': it is not valid Unicode ({JsonInput.UnicodeHint}).");
        }
    }

    private static double? ReadNumber(JsonElement root, string name, double min, double max)
    {
        if (JsonInput.FindMember(root, name) is not { } value) return null;
        JsonInput.CheckNumber(value, JsonFieldPath.Root[name], min, max);
        return value.GetDouble();
    }

    private static int? ReadMaxTokens(JsonElement root, string name)
    {
        if (JsonInput.FindMember(root, name) is not { } value) return null;
        var path = JsonFieldPath.Root[name];
        var max = JsonInput.ReadInteger(value, path, -1, int.MaxValue);
        return max switch
        {
            -1 => null,
            0 => throw path.Invalid($"Invalid '{path}': expected at least 1, or -1 for no limit."),
            _ => (int)max,
        };
    }

    private static List<string> ReadStop(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind == JsonValueKind.String) return JsonInput.ReadString(value, path, 0, MaxStopLength) is { Length: > 0 } stop ? [stop] : [];
        if (value.ValueKind != JsonValueKind.Array) throw path.Mistyped("a string or an array of strings", value);
        if (value.GetArrayLength() > MaxStops) throw path.Invalid($"Invalid '{path}': expected at most {MaxStops} strings.");
        var stops = new List<string>();
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            // Clients send fields that are empty in their settings.
            if (JsonInput.ReadString(item, path[index++], 0, MaxStopLength) is { Length: > 0 } stop) stops.Add(stop);
        }
        return stops;
    }

    private static string? ReadWord(JsonElement root, string name) =>
        JsonInput.FindMember(root, name) is { } value && JsonInput.ReadString(value, JsonFieldPath.Root[name], 0, MaxWordLength) is { Length: > 0 } word
            ? word
            : null;

    private static Dictionary<string, string> ReadOpenAiFields(JsonElement root)
    {
        var fields = new Dictionary<string, string>();
        foreach (var name in OpenAiFields)
        {
            if (JsonInput.FindMember(root, name) is { } value) fields[name] = ReadJson(value, JsonFieldPath.Root[name], MaxFieldBytes);
        }
        return fields;
    }
}
