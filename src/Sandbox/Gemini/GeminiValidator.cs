using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>Checks requests as strictly as the API, with its words. Only the names in camel case are known.</summary>
internal static partial class GeminiValidator
{
    // Skips the check of a signature, as at Google.
    private const string SkipSignature = "skip_thought_signature_validator";

    private static readonly string[] RequestNames =
        ["contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent", "model"];

    private static readonly string[] ConfigNames =
    [
        "maxOutputTokens", "temperature", "topP", "topK", "candidateCount", "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema",
        "thinkingConfig", "presencePenalty", "frequencyPenalty", "seed", "responseLogprobs", "logprobs", "responseModalities",
    ];

    private static readonly string[] DataNames = ["text", "inlineData", "fileData", "functionCall", "functionResponse"];

    private static readonly string[] Thresholds = ["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"];

    private static readonly string[] Categories =
    [
        "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT",
        "HARM_CATEGORY_CIVIC_INTEGRITY",
    ];

    /// <summary>Checks the body of <c>generateContent</c>.</summary>
    /// <exception cref="GeminiException">A field is invalid.</exception>
    public static void Check(JsonObject request, SeededModel model, FakeGemini gemini)
    {
        CheckNames(request, RequestNames, "");
        CheckContents(request, model, gemini);
        if (request["systemInstruction"] is { } system) CheckParts(system, "system_instruction");
        var functions = CheckTools(request);
        CheckToolConfig(request, functions);
        CheckSafety(request);
        if (request["generationConfig"] is JsonObject config) CheckConfig(config, model, functions.Count > 0);
        if (GeminiReply.CountTokens(request) is var tokens and > GeminiModels.MaxInputTokens)
            throw Invalid($"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({GeminiModels.MaxInputTokens}).");
    }

    /// <summary>Checks the contents alone.</summary>
    /// <exception cref="GeminiException">A field is invalid.</exception>
    public static void CheckContents(JsonObject request, SeededModel model, FakeGemini gemini)
    {
        if (request["contents"] is not JsonArray { Count: > 0 } contents) throw Invalid("* GenerateContentRequest.contents: contents is not specified");
        JsonObject[] expected = [];
        for (var i = 0; i < contents.Count; i++)
        {
            var role = (string?)contents[i]?["role"] ?? "user";
            if (role is not ("user" or "model")) throw Invalid("Please use a valid role: user, model.");
            CheckParts(contents[i], $"contents[{i}]");
            var parts = contents[i]!["parts"]!.AsArray().Select(part => part!.AsObject()).ToList();
            var responses = parts.Where(part => part["functionResponse"] is not null).ToList();
            if (responses.Count != expected.Length || (responses.Count > 0 && role != "user"))
            {
                throw Invalid("Please ensure that the number of function response parts is equal to the number of function call parts of the function call "
                    + "turn.");
            }
            for (var k = 0; k < responses.Count; k++)
            {
                var (call, response) = (expected[k]["functionCall"]!, responses[k]["functionResponse"]!);
                if ((string?)call["name"] != (string?)response["name"] || (string?)call["id"] != (string?)response["id"])
                    throw Invalid($"The function response {k} does not belong to the function call {k}.");
                if (response["response"] is not JsonObject) throw Invalid($"* contents[{i}].parts[{k}].function_response.response: must be an object");
            }
            expected = [.. parts.Where(part => part["functionCall"] is not null)];
            if (expected.Length == 0) continue;
            if (role != "model" || i == 0)
                throw Invalid("Please ensure that function call turn comes immediately after a user turn or after a function response turn.");
            CheckSignature(expected[0], model, gemini, i);
        }
        if (expected.Length > 0) throw Invalid("Please ensure that function response turn comes immediately after a function call turn.");
    }

    private static void CheckSignature(JsonObject part, SeededModel model, FakeGemini gemini, int index)
    {
        var signature = (string?)part["thoughtSignature"];
        if (signature is null && model.HasLevels)
        {
            throw Invalid(
                $"Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing "
                + $"thought_signature may lead to degraded model performance. Position {index}.");
        }
        if (signature is not (null or SkipSignature) && !gemini.HasSigned(signature)) throw Invalid("Thought signature is not valid.");
    }

    private static void CheckParts(JsonNode? content, string field)
    {
        if (content?["parts"] is not JsonArray { Count: > 0 } parts)
            throw Invalid($"* GenerateContentRequest.{field}.parts: contents.parts must not be empty.");
        for (var i = 0; i < parts.Count; i++)
        {
            var path = $"{field}.parts[{i}]";
            if (parts[i] is not JsonObject part) throw Invalid($"Invalid value at '{path}'");
            CheckNames(part, [.. DataNames, "thought", "thoughtSignature"], path);
            if (DataNames.Count(part.ContainsKey) != 1 || (string?)(part["text"] as JsonValue) is "")
                throw Invalid($"* GenerateContentRequest.{path}.data: required oneof field 'data' must have one initialized field");
            if (part["inlineData"] is { } file) CheckFile(file, path);
            if (part["functionCall"] is { } call && (string.IsNullOrEmpty((string?)call["name"]) || call["args"] is not (null or JsonObject)))
                throw Invalid($"* GenerateContentRequest.{path}.function_call.name: Name cannot be empty.");
        }
    }

    private static void CheckFile(JsonNode file, string path)
    {
        var type = (string?)file["mimeType"] ?? "";
        byte[] content;
        try
        {
            content = Convert.FromBase64String((string?)file["data"] ?? "");
        }
        catch (FormatException)
        {
            throw Invalid($"Invalid value at '{path}.inline_data.data' (TYPE_BYTES), Base64 decoding failed");
        }
        if (type is not ("image/png" or "image/jpeg" or "image/webp" or "image/heic" or "application/pdf")
            && !(type.StartsWith("text/", StringComparison.Ordinal) || type.StartsWith("audio/", StringComparison.Ordinal)
                || type.StartsWith("video/", StringComparison.Ordinal))) throw Invalid($"Unsupported MIME type: {type}");
        if ((type == "image/png" && content is not [0x89, (byte)'P', ..])
            || (type == "image/jpeg" && content is not [0xFF, 0xD8, ..])) throw Invalid("Unable to process input image. Please retry or report.");
    }

    private static HashSet<string> CheckTools(JsonObject request)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in request["tools"]?.AsArray() ?? [])
        {
            CheckNames(tool!.AsObject(), ["functionDeclarations", "googleSearch", "codeExecution", "urlContext"], "tools");
            foreach (var declared in tool["functionDeclarations"]?.AsArray() ?? [])
            {
                var function = declared!.AsObject();
                CheckNames(function, ["name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"], "tools");
                var name = (string?)function["name"] ?? "";
                if (!FunctionName().IsMatch(name))
                {
                    throw Invalid(
                        $"* GenerateContentRequest.tools[0].function_declarations[{names.Count}].name: Invalid function name. Must start with a letter or an "
                        + "underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
                        + "with a maximum length of 64.");
                }
                if (function.ContainsKey("parameters") && function.ContainsKey("parametersJsonSchema"))
                    throw Invalid("parameters and parameters_json_schema are mutually exclusive.");
                if (function["parametersJsonSchema"] is not (null or JsonObject)) throw Invalid("parameters_json_schema must be an object.");
                if (!names.Add(name)) throw Invalid($"Duplicate function declaration found: {name}");
            }
        }
        return names;
    }

    private static void CheckToolConfig(JsonObject request, HashSet<string> functions)
    {
        if (request["toolConfig"]?["functionCallingConfig"] is not { } config) return;
        var mode = (string?)config["mode"] ?? "AUTO";
        if (mode is not ("AUTO" or "ANY" or "NONE" or "VALIDATED")) throw BadValue("tool_config.function_calling_config.mode", mode);
        if (mode == "ANY" && functions.Count == 0) throw Invalid("Function calling config is set without function_declarations.");
        var allowed = config["allowedFunctionNames"]?.AsArray() ?? [];
        if (allowed.Count > 0 && mode is not ("ANY" or "VALIDATED")) throw Invalid("allowed_function_names can only be set when mode is ANY.");
        foreach (var name in allowed)
            if (!functions.Contains((string?)name ?? "")) throw Invalid($"allowed_function_names contains an undeclared function: {name}");
    }

    private static void CheckSafety(JsonObject request)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var setting in request["safetySettings"]?.AsArray() ?? [])
        {
            var category = (string?)setting?["category"] ?? "";
            if (!Categories.Contains(category)) throw BadValue("safety_settings.category", category);
            if (!seen.Add(category)) throw Invalid($"* GenerateContentRequest.safety_settings: element predicate failed: duplicate category {category}");
            if (!Thresholds.Contains((string?)setting!["threshold"] ?? "")) throw BadValue("safety_settings.threshold", $"{setting["threshold"]}");
        }
    }

    private static void CheckConfig(JsonObject config, SeededModel model, bool hasFunctions)
    {
        CheckNames(config, ConfigNames, "generation_config");
        CheckRange(config, "temperature", 0, 2);
        CheckRange(config, "topP", 0, 1);
        CheckRange(config, "topK", 1, 1_000_000);
        CheckRange(config, "maxOutputTokens", 1, int.MaxValue);
        CheckRange(config, "candidateCount", 1, 8);
        CheckRange(config, "seed", int.MinValue, int.MaxValue);
        CheckRange(config, "presencePenalty", -2, 2);
        CheckRange(config, "frequencyPenalty", -2, 2);
        if (model.HasLevels && (config.ContainsKey("presencePenalty") || config.ContainsKey("frequencyPenalty")))
            throw Invalid("Penalty is not enabled for this model");
        if (config["stopSequences"] is JsonArray { Count: > 5 })
            throw Invalid("* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed");
        var type = (string?)config["responseMimeType"] ?? "text/plain";
        if (type is not ("text/plain" or "application/json")) throw Invalid($"response_mime_type must be text/plain or application/json, not {type}");
        var hasSchema = config.ContainsKey("responseSchema") || config.ContainsKey("responseJsonSchema");
        if (hasSchema && type != "application/json") throw Invalid("response_schema is only supported for response_mime_type application/json");
        if (type == "application/json" && hasFunctions && !model.HasLevels)
            throw Invalid("Function calling with a response mime type: 'application/json' is unsupported");
        if (config["thinkingConfig"] is not JsonObject thinking) return;
        CheckNames(thinking, ["includeThoughts", "thinkingBudget", "thinkingLevel"], "generation_config.thinking_config");
        if (!model.Thinks) throw Invalid("Thinking is not enabled for this model.");
        if (thinking.ContainsKey("thinkingBudget") && thinking.ContainsKey("thinkingLevel"))
            throw Invalid("You can only set only one of thinking budget and thinking level.");
        if (thinking.ContainsKey("thinkingLevel") && !model.HasLevels) throw Invalid("Thinking level is not supported for this model.");
        if ((string?)thinking["thinkingLevel"] is { } level && level is not ("LOW" or "MEDIUM" or "HIGH"))
            throw Invalid($"Thinking level {level} is not supported for this model.");
        CheckRange(thinking, "thinkingBudget", model.Name.Contains("pro", StringComparison.Ordinal) ? 128 : -1, 32_768);
    }

    private static void CheckRange(JsonObject json, string name, double min, double max)
    {
        if (json[name] is not { } value) return;
        if (value.GetValueKind() != JsonValueKind.Number || value.GetValue<double>() < min || value.GetValue<double>() > max)
            throw Invalid($"* GenerateContentRequest.generation_config.{name}: {name} must be in the range [{min}, {max}].");
    }

    private static void CheckNames(JsonObject json, string[] known, string path)
    {
        foreach (var (name, _) in json)
        {
            if (!known.Contains(name))
                throw Invalid($"Invalid JSON payload received. Unknown name \"{name}\"{(path.Length > 0 ? $" at '{path}'" : "")}: Cannot find field.");
        }
    }

    private static GeminiException BadValue(string field, string value) => Invalid($"Invalid value at '{field}', \"{value}\"");

    private static GeminiException Invalid(string message) => GeminiException.Invalid(message);

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$")]
    private static partial Regex FunctionName();
}
