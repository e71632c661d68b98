using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// The tools and the format of the answer, as far as the model accepts them together. Models before Gemini 3 refuse both at once. They get a tool whose
/// arguments are the answer, and have to call it or a tool of the client.
/// </summary>
internal sealed class GeminiTools
{
    private const string NameOfAnswerTool = "json_answer";
    private const string AnyObject = """{"type":"object","additionalProperties":true}""";

    /// <summary>Chooses the tools, the tool choice and the format of a request.</summary>
    public GeminiTools(GeminiModel model, GenerationSettings settings)
    {
        (Tools, Choice, Format) = (settings.Tools, settings.Tools.Count > 0 ? settings.ToolChoice : null, settings.Format);
        if (Format is null || Tools.Count == 0 || model.HasFormatWithTools) return;
        Format = null;
        switch (Choice?.Mode)
        {
            case ToolChoiceMode.None:
                // Tools that may not be called can be left out. History needs no declarations.
                (Tools, Choice, Format) = ([], null, settings.Format);
                break;
            case ToolChoiceMode.Required or ToolChoiceMode.Named:
                // The model has to call a tool, so it gives no answer.
                break;
            default:
                AnswerTool = NameOfAnswerTool;
                while (Tools.Any(tool => tool.Name == AnswerTool)) AnswerTool += "_";
                var description = $"Call this tool to give your answer. Its arguments are the answer. {settings.Format!.Description}".Trim();
                Tools = [.. Tools, new ToolDefinition(AnswerTool, description, settings.Format.Schema ?? AnyObject, IsStrict: null)];
                Choice = new ToolChoice(ToolChoiceMode.Required);
                break;
        }
    }

    /// <summary>The tools that are sent.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; }

    /// <summary>Which of them may and must be called; null: the model decides.</summary>
    public ToolChoice? Choice { get; }

    /// <summary>The format that the model itself follows; null without one.</summary>
    public OutputFormat? Format { get; }

    /// <summary>The tool whose arguments are the answer; null without one.</summary>
    public string? AnswerTool { get; }

    /// <summary>Writes the tools into a request.</summary>
    public void Write(Utf8JsonWriter json)
    {
        if (Tools.Count == 0) return;
        json.WriteStartArray("tools"u8);
        json.WriteStartObject();
        json.WriteStartArray("functionDeclarations"u8);
        for (var i = 0; i < Tools.Count; i++)
        {
            var tool = Tools[i];
            json.WriteStartObject();
            json.WriteString("name"u8, tool.Name);
            // The API requires a description, and clients may omit it.
            json.WriteString("description"u8, string.IsNullOrWhiteSpace(tool.Description) ? tool.Name : tool.Description);
            if (tool.Parameters is { } parameters)
            {
                var field = tool.Name == AnswerTool ? "response_format.json_schema.schema" : $"tools[{i}].function.parameters";
                WriteSchema(json, "parametersJsonSchema", parameters, field);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        if (Choice is not null) WriteChoice(json, Choice);
    }

    /// <summary>Writes a schema.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it is not a JSON object.</exception>
    public static void WriteSchema(Utf8JsonWriter json, string name, string schema, string param)
    {
        if (LenientJson.TryParseObject(schema) is not { } parsed)
            throw new ClusterException(ErrorCode.InvalidRequest, "A schema must be a JSON object.", param);
        json.WritePropertyName(name);
        parsed.WriteTo(json);
    }

    private static void WriteChoice(Utf8JsonWriter json, ToolChoice choice)
    {
        json.WriteStartObject("toolConfig"u8);
        json.WriteStartObject("functionCallingConfig"u8);
        json.WriteString("mode"u8, choice.Mode switch
        {
            ToolChoiceMode.None => "NONE"u8,
            ToolChoiceMode.Required or ToolChoiceMode.Named => "ANY"u8,
            _ => "AUTO"u8,
        });
        if (choice is { Mode: ToolChoiceMode.Named, Name: { } name })
        {
            json.WriteStartArray("allowedFunctionNames"u8);
            json.WriteStringValue(name);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
