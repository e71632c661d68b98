using System.Text.Json;
using System.Text.RegularExpressions;
using static CozeCluster.Sandbox.Claude.ClaudeValidator;

namespace CozeCluster.Sandbox.Claude;

/// <summary>Checks the tools of a request, and the schemas that have to be followed exactly.</summary>
internal static partial class ClaudeToolChecks
{
    private static readonly string[] UnsupportedKeywords =
    [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems", "oneOf", "not",
        "patternProperties", "propertyNames",
    ];

    /// <summary>Checks <c>tools</c> and <c>tool_choice</c>.</summary>
    /// <returns>The names of the tools.</returns>
    public static IReadOnlyList<string> CheckTools(JsonElement body, ClaudeModelInfo model, bool thinks)
    {
        var names = new List<string>();
        if (Optional(body, "tools") is { } tools)
        {
            Require(tools.ValueKind == JsonValueKind.Array, "tools: Input should be a valid list");
            foreach (var tool in tools.EnumerateArray())
            {
                var path = $"tools.{names.Count}.custom";
                Require(tool.ValueKind == JsonValueKind.Object, $"{path}: Input should be an object");
                CheckFields(tool, $"{path}.", "type", "name", "description", "input_schema", "strict", "cache_control", "eager_input_streaming");
                var name = Text(tool, "name", $"{path}.name");
                Require(ToolName().IsMatch(name), $"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'");
                Require(!names.Contains(name), "tools: Tool names must be unique.");
                var schema = Needed(tool, "input_schema", $"{path}.input_schema");
                Require(schema.ValueKind == JsonValueKind.Object, $"{path}.input_schema: Input should be an object");
                Require(Text(schema, "type", $"{path}.input_schema.type") == "object", $"{path}.input_schema.type: Input should be 'object'");
                if (Optional(tool, "strict") is { ValueKind: JsonValueKind.True })
                {
                    Require(model.HasStructuredOutputs, "This model does not support strict tools.");
                    CheckExactSchema(schema, $"{path}.input_schema");
                }
                names.Add(name);
            }
        }
        if (Optional(body, "tool_choice") is { } choice) CheckChoice(choice, names, thinks);
        return names;
    }

    /// <summary>Checks that a schema can be followed exactly.</summary>
    public static void CheckExactSchema(JsonElement schema, string path)
    {
        if (schema.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in schema.EnumerateArray()) CheckExactSchema(item, path);
        }
        if (schema.ValueKind != JsonValueKind.Object) return;
        foreach (var member in schema.EnumerateObject())
        {
            Require(!UnsupportedKeywords.Contains(member.Name), $"{path}: For '{member.Name}' is not supported");
            if (member.Name is "properties" or "$defs" or "definitions")
            {
                foreach (var inner in member.Value.EnumerateObject()) CheckExactSchema(inner.Value, path);
            }
            else if (member.Name is "items" or "anyOf" or "allOf")
            {
                CheckExactSchema(member.Value, path);
            }
        }
        if (schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() == "object")
        {
            Require(
                schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.False,
                $"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false");
        }
    }

    private static void CheckChoice(JsonElement choice, List<string> names, bool thinks)
    {
        var kind = Kind(choice, "tool_choice");
        Require(kind is "auto" or "any" or "tool" or "none", $"tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags");
        Require(names.Count > 0, "tool_choice may only be specified while providing tools.");
        Require(!thinks || kind is "auto" or "none", "Thinking may not be enabled when tool_choice forces tool use.");
        string[] fields = kind switch
        {
            "none" => ["type"],
            "tool" => ["type", "name", "disable_parallel_tool_use"],
            _ => ["type", "disable_parallel_tool_use"],
        };
        CheckFields(choice, $"tool_choice.{kind}.", fields);
        if (kind != "tool") return;
        var name = Text(choice, "name", "tool_choice.tool.name");
        Require(names.Contains(name), $"Tool '{name}' not found in provided tools");
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,128}$", RegexOptions.CultureInvariant)]
    private static partial Regex ToolName();
}
