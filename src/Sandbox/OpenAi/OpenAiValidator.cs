using System.Text.Json;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>Refuses what the real API refuses, as far as a mistake of this project could cause it.</summary>
internal static class OpenAiValidator
{
    private const int MaxCallId = 40;
    private const int MaxName = 64;
    private const string MissingResults = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";

    /// <exception cref="OpenAiError">The request is not valid.</exception>
    public static void Check(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object) throw OpenAiError.Invalid("", "We could not parse the JSON body of your request.");
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw OpenAiError.Invalid("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1.");
        CheckMessages(messages);
        if (body.TryGetProperty("tools", out var tools)) CheckTools(tools);
        else if (body.TryGetProperty("tool_choice", out _))
            throw OpenAiError.Invalid("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
        if (body.TryGetProperty("response_format", out var format)) CheckFormat(format);
        if (body.TryGetProperty("max_tokens", out _) && body.TryGetProperty("max_completion_tokens", out _))
            throw OpenAiError.Invalid("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
        if (body.TryGetProperty("metadata", out _) && !(body.TryGetProperty("store", out var store) && store.ValueKind == JsonValueKind.True))
            throw OpenAiError.Invalid("metadata", "The 'metadata' parameter is only allowed when 'store' is enabled.");
        foreach (var name in (string[])["conversation_id", "custom_variables", "safety_identifier"])
        {
            if (body.TryGetProperty(name, out _)) throw OpenAiError.Invalid(name, $"Unrecognized request argument supplied: {name}");
        }
    }

    /// <summary>Refuses tool calls in the history that have lost their reasoning, as DeepSeek's thinking models do.</summary>
    /// <exception cref="OpenAiError">Some have.</exception>
    public static void CheckReasoning(JsonElement body)
    {
        foreach (var message in body.GetProperty("messages").EnumerateArray())
        {
            if (message.TryGetProperty("tool_calls", out _) && !message.TryGetProperty("reasoning_content", out _))
                throw OpenAiError.Invalid("messages", "The `reasoning_content` in the thinking mode must be passed back to the API.");
        }
    }

    private static void CheckMessages(JsonElement messages)
    {
        var open = new HashSet<string>();
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var at = $"messages.[{index++}]";
            var role = message.GetProperty("role").GetString();
            if (role == "tool")
            {
                if (!message.TryGetProperty("tool_call_id", out var answered) || !open.Remove(answered.GetString()!))
                    throw OpenAiError.Invalid($"{at}.role", "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.");
                continue;
            }
            if (open.Count > 0) throw OpenAiError.Invalid(at, MissingResults);
            switch (role)
            {
                case "system" or "developer" or "user":
                    CheckContent(message, at);
                    break;
                case "assistant":
                    open = [.. ReadCalls(message, at)];
                    if (open.Count == 0) CheckContent(message, at);
                    break;
                default:
                    throw OpenAiError.Invalid($"{at}.role", $"Invalid value: '{role}'.");
            }
        }
        if (open.Count > 0) throw OpenAiError.Invalid("messages", MissingResults);
    }

    private static IEnumerable<string> ReadCalls(JsonElement message, string at)
    {
        if (!message.TryGetProperty("tool_calls", out var calls)) yield break;
        foreach (var call in calls.EnumerateArray())
        {
            var id = call.GetProperty("id").GetString()!;
            if (id.Length is 0 or > MaxCallId)
                throw OpenAiError.Invalid($"{at}.tool_calls", $"string too long. Expected a string with maximum length {MaxCallId}");
            CheckName(call.GetProperty("function"), at);
            using var _ = JsonDocument.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!);
            yield return id;
        }
    }

    private static void CheckContent(JsonElement message, string at)
    {
        if (!message.TryGetProperty("content", out var content) || content.ValueKind == JsonValueKind.Null)
            throw OpenAiError.Invalid($"{at}.content", "Invalid value for 'content': expected a string, got null.");
        if (content.ValueKind == JsonValueKind.String) return;
        foreach (var part in content.EnumerateArray())
        {
            switch (part.GetProperty("type").GetString())
            {
                case "text":
                    _ = part.GetProperty("text").GetString();
                    break;
                case "image_url":
                    var url = part.GetProperty("image_url").GetProperty("url").GetString()!;
                    if (!url.StartsWith("data:image/", StringComparison.Ordinal) && !url.StartsWith("http", StringComparison.Ordinal))
                        throw new OpenAiError(400, "Invalid image URL.", "invalid_request_error", "invalid_image_url", at);
                    break;
                case "input_audio":
                    if (part.GetProperty("input_audio").GetProperty("format").GetString() is not ("wav" or "mp3"))
                        throw OpenAiError.Invalid($"{at}.content", "Invalid value: expected one of 'wav', 'mp3'.");
                    break;
                case "file":
                    _ = part.GetProperty("file").GetProperty("filename").GetString();
                    _ = part.GetProperty("file").GetProperty("file_data").GetString();
                    break;
                case var type:
                    throw OpenAiError.Invalid($"{at}.content", $"Invalid value: '{type}'.");
            }
        }
    }

    private static void CheckTools(JsonElement tools)
    {
        if (tools.GetArrayLength() == 0) throw OpenAiError.Invalid("tools", "Invalid 'tools': empty array. Expected an array with minimum length 1.");
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var at = $"tools[{index++}].function";
            CheckName(tool.GetProperty("function"), at);
            if (tool.GetProperty("function").TryGetProperty("parameters", out var parameters)) CheckParameters(parameters, $"{at}.parameters");
        }
    }

    private static void CheckFormat(JsonElement format)
    {
        if (format.GetProperty("type").GetString() != "json_schema") return;
        CheckName(format.GetProperty("json_schema"), "response_format.json_schema");
        _ = format.GetProperty("json_schema").GetProperty("schema");
    }

    /// <exception cref="OpenAiError">The schema of a function's parameters is not valid.</exception>
    public static void CheckParameters(JsonElement parameters, string at)
    {
        if (parameters.TryGetProperty("type", out var type) && type.ValueEquals("object")) return;
        throw new OpenAiError(
            400, "Invalid schema for function: schema must be a JSON Schema of 'type: \"object\"'.", "invalid_request_error",
            "invalid_function_parameters", at);
    }

    /// <exception cref="OpenAiError">The name of a function or a schema is not valid.</exception>
    public static void CheckName(JsonElement value, string at)
    {
        var name = value.GetProperty("name").GetString()!;
        if (name.Length is 0 or > MaxName || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            throw OpenAiError.Invalid($"{at}.name", "Invalid 'name': string does not match pattern '^[a-zA-Z0-9_-]+$'.");
    }
}
