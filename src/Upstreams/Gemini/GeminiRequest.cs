using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// Writes the body of <c>generateContent</c>. Schemas of functions and answers are sent as JSON schemas (<c>parametersJsonSchema</c>,
/// <c>responseJsonSchema</c>) and need no conversion. What the API does not have is not sent: <see cref="GenerationSettings.ParallelToolCalls"/>,
/// <see cref="GenerationSettings.Verbosity"/>, whether a schema is strict.
/// </summary>
internal static class GeminiRequest
{
    /// <summary>Writes a request.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: a schema is not a JSON object.</exception>
    public static ReadOnlyMemory<byte> Write(
        GeminiModel model, GeminiBotOptions options, GenerationSettings settings, GeminiTools tools, string system, IReadOnlyList<GeminiContent> contents)
    {
        var buffer = new ArrayBufferWriter<byte>(1024 + contents.Sum(content => content.Parts.Sum(SizeOf)));
        using (var json = new Utf8JsonWriter(buffer, GeminiJson.WriterOptions))
        {
            json.WriteStartObject();
            if (system.Length > 0)
            {
                json.WriteStartObject("systemInstruction"u8);
                json.WriteStartArray("parts"u8);
                json.WriteStartObject();
                json.WriteString("text"u8, system);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteStartArray("contents"u8);
            foreach (var content in contents) WriteContent(json, content);
            json.WriteEndArray();
            tools.Write(json);
            if (options.Safety.Count > 0) WriteSafety(json, options);
            WriteConfig(json, model, options, settings, tools.Format);
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }

    private static int SizeOf(GeminiPart part) => 64 + (part.Text?.Length ?? 0) + part.ResultText.Length + (part.File?.Content.Length ?? 0) / 3 * 4;

    private static void WriteContent(Utf8JsonWriter json, GeminiContent content)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, content.IsUser ? "user"u8 : "model"u8);
        json.WriteStartArray("parts"u8);
        foreach (var part in content.Parts) WritePart(json, part);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, GeminiPart part)
    {
        json.WriteStartObject();
        if (part.Text is { } text) json.WriteString("text"u8, text);
        if (part.File is { } file)
        {
            json.WriteStartObject("inlineData"u8);
            json.WriteString("mimeType"u8, file.MediaType);
            json.WriteBase64String("data"u8, file.Content.Span);
            json.WriteEndObject();
        }
        if (part.Call is { } call)
        {
            json.WriteStartObject("functionCall"u8);
            if (call.Id is { } id) json.WriteString("id"u8, id);
            json.WriteString("name"u8, call.Name);
            json.WritePropertyName("args"u8);
            call.Arguments.WriteTo(json);
            json.WriteEndObject();
        }
        if (part.Response is { } response)
        {
            json.WriteStartObject("functionResponse"u8);
            if (response.Id is { } id) json.WriteString("id"u8, id);
            json.WriteString("name"u8, response.Name);
            json.WritePropertyName("response"u8);
            if (response.Result is { } result)
            {
                result.WriteTo(json);
            }
            else
            {
                json.WriteStartObject();
                json.WriteString("result"u8, part.ResultText);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        if (part.Signature is { } signature) json.WriteString("thoughtSignature"u8, signature);
        json.WriteEndObject();
    }

    private static void WriteSafety(Utf8JsonWriter json, GeminiBotOptions options)
    {
        json.WriteStartArray("safetySettings"u8);
        foreach (var (category, threshold) in options.Safety)
        {
            json.WriteStartObject();
            json.WriteString("category"u8, category);
            json.WriteString("threshold"u8, threshold);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteConfig(Utf8JsonWriter json, GeminiModel model, GeminiBotOptions options, GenerationSettings settings, OutputFormat? format)
    {
        json.WriteStartObject("generationConfig"u8);
        if (settings.Temperature is { } temperature) json.WriteNumber("temperature"u8, temperature);
        if (settings.TopP is { } topP) json.WriteNumber("topP"u8, topP);
        if (options.TopK is { } topK) json.WriteNumber("topK"u8, topK);
        if (settings.MaxOutputTokens is { } most) json.WriteNumber("maxOutputTokens"u8, most);
        // The API has seeds of 32 bits.
        if (settings.Seed is { } seed) json.WriteNumber("seed"u8, unchecked((int)(seed ^ (seed >> 32))));
        if (model.HasPenalties)
        {
            if (settings.PresencePenalty is { } presence) json.WriteNumber("presencePenalty"u8, presence);
            if (settings.FrequencyPenalty is { } frequency) json.WriteNumber("frequencyPenalty"u8, frequency);
        }
        if (settings.Stop.Any(stop => stop.Length > 0)) WriteStrings(json, "stopSequences"u8, settings.Stop.Where(stop => stop.Length > 0));
        if (format is not null)
        {
            json.WriteString("responseMimeType"u8, "application/json"u8);
            if (format.Schema is { } schema) GeminiTools.WriteSchema(json, "responseJsonSchema", schema, "response_format.json_schema.schema");
        }
        if (options.ResponseModalities.Count > 0) WriteStrings(json, "responseModalities"u8, options.ResponseModalities);
        WriteThinking(json, model, options, settings.ReasoningEffort);
        json.WriteEndObject();
    }

    private static void WriteThinking(Utf8JsonWriter json, GeminiModel model, GeminiBotOptions options, string? effort)
    {
        var level = model.HasThinkingLevels ? effort is null ? options.ThinkingLevel : model.LevelOf(effort) : null;
        var budget = !model.HasThinkingLevels && (model.Thinks || options.ThinkingBudget is not null)
            ? effort is null ? options.ThinkingBudget : model.BudgetOf(effort)
            : null;
        var include = budget != 0 && (options.IncludeThoughts ?? (model.Thinks || level is not null || budget is not null));
        // Models that do not think refuse the whole setting.
        if (level is null && budget is null && !include) return;
        json.WriteStartObject("thinkingConfig"u8);
        json.WriteBoolean("includeThoughts"u8, include);
        if (level is not null) json.WriteString("thinkingLevel"u8, level);
        if (budget is { } tokens) json.WriteNumber("thinkingBudget"u8, tokens);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}

/// <summary>JSON of requests to Gemini.</summary>
internal static class GeminiJson
{
    /// <summary>Writes Chinese text as it is instead of escaping it. The stricter escaping of the default encoder protects HTML pages only.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
