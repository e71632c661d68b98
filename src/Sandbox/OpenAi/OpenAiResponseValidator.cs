using System.Text.Json;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>Refuses what the real Responses API refuses, as far as a mistake of this project could cause it.</summary>
internal static class OpenAiResponseValidator
{
    private const int MaxCallId = 64;
    private const int MinOutputTokens = 16;

    // Fields of chat completions, and fields of this project.
    private static readonly string[] Unknown =
    [
        "messages", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "max_tokens", "max_completion_tokens", "response_format", "n",
        "prediction", "web_search_options", "reasoning_effort", "verbosity", "conversation_id", "custom_variables",
    ];

    /// <exception cref="OpenAiError">The request is not valid.</exception>
    public static void Check(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object) throw OpenAiError.Invalid("", "We could not parse the JSON body of your request.");
        foreach (var name in Unknown)
        {
            if (body.TryGetProperty(name, out _))
                throw new OpenAiError(400, $"Unknown parameter: '{name}'.", "invalid_request_error", "unknown_parameter", name);
        }
        var input = body.GetProperty("input");
        if (input.ValueKind == JsonValueKind.Array) CheckInput(input);
        else if (input.ValueKind != JsonValueKind.String) throw OpenAiError.Invalid("input", "Invalid type for 'input': expected a string or an array.");
        if (body.TryGetProperty("tools", out var tools)) CheckTools(tools);
        if (body.TryGetProperty("text", out var text) && text.TryGetProperty("format", out var format)) CheckFormat(format);
        if (body.TryGetProperty("max_output_tokens", out var max) && max.GetInt32() < MinOutputTokens)
            throw OpenAiError.Invalid("max_output_tokens", $"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {MinOutputTokens}.");
        if (IsSet(body, "background", JsonValueKind.True) && IsSet(body, "store", JsonValueKind.False))
            throw OpenAiError.Invalid("background", "Background mode requires store to be true.");
    }

    private static bool IsSet(JsonElement body, string name, JsonValueKind value) => body.TryGetProperty(name, out var given) && given.ValueKind == value;

    private static void CheckInput(JsonElement input)
    {
        if (input.GetArrayLength() == 0) throw OpenAiError.Invalid("input", "Invalid 'input': empty array.");
        var open = new HashSet<string>();
        var index = 0;
        foreach (var item in input.EnumerateArray())
        {
            var at = $"input[{index++}]";
            switch (OpenAiPrompt.TypeOf(item))
            {
                case "message":
                    if (open.Count > 0 && item.GetProperty("role").ValueEquals("user")) throw NoOutput(open.First());
                    CheckMessage(item, at);
                    break;
                case "function_call":
                    OpenAiValidator.CheckName(item, at);
                    using (JsonDocument.Parse(item.GetProperty("arguments").GetString()!)) open.Add(ReadCallId(item, at));
                    break;
                case "function_call_output":
                    if (!open.Remove(ReadCallId(item, at)))
                        throw OpenAiError.Invalid("input", $"No tool call found for function call output with call_id {ReadCallId(item, at)}.");
                    break;
                case "reasoning" or "item_reference":
                    break;
                case var type:
                    throw OpenAiError.Invalid($"{at}.type", $"Invalid value: '{type}'.");
            }
        }
        if (open.Count > 0) throw NoOutput(open.First());
    }

    private static OpenAiError NoOutput(string callId) => OpenAiError.Invalid("input", $"No tool output found for function call {callId}.");

    private static string ReadCallId(JsonElement item, string at) =>
        item.GetProperty("call_id").GetString() is { Length: > 0 and <= MaxCallId } id
            ? id
            : throw OpenAiError.Invalid($"{at}.call_id", $"Invalid 'call_id': string too long or empty. Expected a maximum length of {MaxCallId}.");

    private static void CheckMessage(JsonElement message, string at)
    {
        var role = message.GetProperty("role").GetString();
        if (role is not ("user" or "assistant" or "system" or "developer")) throw OpenAiError.Invalid($"{at}.role", $"Invalid value: '{role}'.");
        var content = message.GetProperty("content");
        if (content.ValueKind == JsonValueKind.String) return;
        foreach (var part in content.EnumerateArray())
        {
            switch (part.GetProperty("type").GetString())
            {
                case "input_text" when role != "assistant":
                case "output_text" or "refusal" when role == "assistant":
                    break;
                case "input_image":
                    var url = part.GetProperty("image_url").GetString()!;
                    if (!url.StartsWith("data:image/", StringComparison.Ordinal) && !url.StartsWith("http", StringComparison.Ordinal))
                        throw new OpenAiError(400, "Invalid image URL.", "invalid_request_error", "invalid_image_url", at);
                    break;
                case "input_file":
                    _ = part.GetProperty("filename").GetString();
                    _ = part.GetProperty("file_data").GetString();
                    break;
                case var type:
                    throw OpenAiError.Invalid($"{at}.content", $"Invalid value: '{type}'.");
            }
        }
    }

    private static void CheckTools(JsonElement tools)
    {
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var at = $"tools[{index++}]";
            if (!tool.GetProperty("type").ValueEquals("function")) throw OpenAiError.Invalid($"{at}.type", "The sandbox has no built-in tools.");
            OpenAiValidator.CheckName(tool, at);
            if (!tool.TryGetProperty("strict", out _)) throw OpenAiError.Invalid($"{at}.strict", $"Missing required parameter: '{at}.strict'.");
            OpenAiValidator.CheckParameters(tool.GetProperty("parameters"), $"{at}.parameters");
        }
    }

    private static void CheckFormat(JsonElement format)
    {
        if (format.GetProperty("type").GetString() != "json_schema") return;
        OpenAiValidator.CheckName(format, "text.format");
        _ = format.GetProperty("schema");
    }
}
