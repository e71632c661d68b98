using System.Text.Json;
using System.Text.RegularExpressions;

namespace CozeCluster.Sandbox.Claude;

/// <summary>Checks a request as the real server does: an unknown field, a wrong type, or settings that do not fit each other or the model are errors.</summary>
internal static partial class ClaudeValidator
{
    private static readonly string[] Fields =
    [
        "model", "max_tokens", "messages", "system", "stop_sequences", "stream", "temperature", "top_p", "top_k", "tools", "tool_choice", "thinking",
        "output_config", "metadata", "service_tier", "cache_control", "container",
    ];

    /// <summary>Checks a request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="hasSampling">Whether the version of the API has <c>temperature</c>, <c>top_p</c> and <c>top_k</c>.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ClaudeException">It is invalid.</exception>
    public static ClaudeModelInfo Check(JsonElement body, bool hasSampling)
    {
        Require(body.ValueKind == JsonValueKind.Object, "The request body is not a JSON object");
        CheckFields(body, "", hasSampling ? Fields : [.. Fields.Except(["temperature", "top_p", "top_k"])]);
        var name = Text(body, "model", "model");
        var maxTokens = Number(Needed(body, "max_tokens", "max_tokens"), "max_tokens", 1);
        var model = ClaudeModelInfo.Find(name) ?? throw new ClaudeException("not_found_error", $"model: {name}");
        Require(
            maxTokens <= model.MaxTokens,
            $"max_tokens: {maxTokens} > {model.MaxTokens}, which is the maximum allowed number of output tokens for {name}");
        if (Optional(body, "stream") is { } stream)
            Require(stream.ValueKind is JsonValueKind.True or JsonValueKind.False, "stream: Input should be a valid boolean");
        CheckStops(body);
        CheckMetadata(body);
        if (Optional(body, "service_tier") is { } tier)
            Require(tier.GetString() is "auto" or "standard_only", "service_tier: Input should be 'auto' or 'standard_only'");
        if (Optional(body, "cache_control") is { } cache)
            Require(Kind(cache, "cache_control") == "ephemeral", "cache_control.type: Input should be 'ephemeral'");
        var thinks = CheckThinking(body, model, maxTokens);
        CheckSampling(body, model, thinks);
        CheckOutput(body, model);
        var tools = ClaudeToolChecks.CheckTools(body, model, thinks);
        ClaudeMessageChecks.Check(body, model, tools, thinks && Kind(body.GetProperty("thinking"), "thinking") == "enabled");
        return model;
    }

    public static void Require(bool condition, string message)
    {
        if (!condition) throw ClaudeException.Invalid(message);
    }

    public static void CheckFields(JsonElement value, string path, params string[] known)
    {
        foreach (var member in value.EnumerateObject())
            Require(known.Contains(member.Name), $"{path}{member.Name}: Extra inputs are not permitted");
    }

    public static JsonElement? Optional(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    public static JsonElement Needed(JsonElement value, string name, string path) =>
        value.TryGetProperty(name, out var member) ? member : throw ClaudeException.Invalid($"{path}: Field required");

    public static string Text(JsonElement value, string name, string path)
    {
        var member = Needed(value, name, path);
        Require(member.ValueKind == JsonValueKind.String, $"{path}: Input should be a valid string");
        return member.GetString()!;
    }

    public static string Kind(JsonElement value, string path)
    {
        Require(value.ValueKind == JsonValueKind.Object, $"{path}: Input should be an object");
        return Text(value, "type", $"{path}.type");
    }

    private static int Number(JsonElement value, string path, int min)
    {
        Require(value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _), $"{path}: Input should be a valid integer");
        var number = value.GetInt32();
        Require(number >= min, $"{path}: Input should be greater than or equal to {min}");
        return number;
    }

    private static void CheckStops(JsonElement body)
    {
        if (Optional(body, "stop_sequences") is not { } stops) return;
        Require(stops.ValueKind == JsonValueKind.Array, "stop_sequences: Input should be a valid list");
        foreach (var stop in stops.EnumerateArray())
        {
            Require(stop.ValueKind == JsonValueKind.String, "stop_sequences: Input should be a valid string");
            Require(!string.IsNullOrWhiteSpace(stop.GetString()), "stop_sequences: each stop sequence must contain non-whitespace");
        }
    }

    private static void CheckMetadata(JsonElement body)
    {
        if (Optional(body, "metadata") is not { } metadata) return;
        CheckFields(metadata, "metadata.", "user_id");
        if (Optional(metadata, "user_id") is not { } id) return;
        Require(id.GetString() is { Length: <= 256 }, "metadata.user_id: String should have at most 256 characters");
        Require(!Personal().IsMatch(id.GetString()!), "metadata.user_id: user_id appears to contain an email address or a phone number");
    }

    private static bool CheckThinking(JsonElement body, ClaudeModelInfo model, int maxTokens)
    {
        if (Optional(body, "thinking") is not { } thinking) return false;
        var kind = Kind(thinking, "thinking");
        switch (kind)
        {
            case "enabled":
                CheckFields(thinking, "thinking.enabled.", "type", "budget_tokens", "display");
                Require(
                    model.HasThinkingBudget,
                    $"\"thinking.type.enabled\" is not supported for this model. {(model.HasThinking ? "Use \"thinking.type.adaptive\"." : "")}".Trim());
                var budget = Number(Needed(thinking, "budget_tokens", "thinking.enabled.budget_tokens"), "thinking.enabled.budget_tokens", 1024);
                Require(budget < maxTokens, "`max_tokens` must be greater than `thinking.budget_tokens`");
                return true;
            case "adaptive":
                CheckFields(thinking, "thinking.adaptive.", "type", "display");
                Require(model.HasAdaptiveThinking, "adaptive thinking is not supported on this model");
                return true;
            case "disabled":
                return false;
            default:
                throw ClaudeException.Invalid($"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags");
        }
    }

    private static void CheckSampling(JsonElement body, ClaudeModelInfo model, bool thinks)
    {
        var temperature = Fraction(body, "temperature");
        var topP = Fraction(body, "top_p");
        var hasTopK = Optional(body, "top_k") is not null;
        if (!model.HasSampling)
        {
            Require(temperature is null or 1, "`temperature` is deprecated for this model.");
            Require(topP is null or >= 0.99, "`top_p` is deprecated for this model.");
            Require(!hasTopK, "`top_k` is deprecated for this model.");
        }
        Require(
            model.HasTemperatureWithTopP || temperature is null || topP is null,
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
        if (!thinks) return;
        Require(temperature is null or 1, "`temperature` may only be set to 1 when thinking is enabled.");
        Require(topP is null or >= 0.95, "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.");
        Require(!hasTopK, "`top_k` must be unset when thinking is enabled.");
    }

    private static double? Fraction(JsonElement body, string name)
    {
        if (Optional(body, name) is not { } value) return null;
        Require(value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 0 and <= 1, $"{name}: range: 0..1");
        return value.GetDouble();
    }

    private static void CheckOutput(JsonElement body, ClaudeModelInfo model)
    {
        if (Optional(body, "output_config") is not { } output) return;
        CheckFields(output, "output_config.", "effort", "format");
        if (Optional(output, "effort") is { } effort)
        {
            Require(model.HasStructuredOutputs, "This model does not support the effort parameter.");
            Require(
                effort.GetString() is "low" or "medium" or "high" or "max" or "xhigh",
                "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
            Require(effort.GetString() != "xhigh" || model.Version >= 407, "This model does not support effort level 'xhigh'.");
        }
        if (Optional(output, "format") is not { } format) return;
        Require(model.HasStructuredOutputs, "This model does not support output format.");
        Require(Kind(format, "output_config.format") == "json_schema", "output_config.format.type: Input should be 'json_schema'");
        CheckFields(format, "output_config.format.", "type", "schema");
        ClaudeToolChecks.CheckExactSchema(Needed(format, "schema", "output_config.format.schema"), "output_config.format.schema");
    }

    [GeneratedRegex(@"@|^\+?\d{7,15}$", RegexOptions.CultureInvariant)]
    private static partial Regex Personal();
}
