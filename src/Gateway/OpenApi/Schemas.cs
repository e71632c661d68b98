using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Images;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.OpenApi;

/// <summary>The shapes of bodies, as the document tells them.</summary>
internal static class Schemas
{
    public static OpenApiSchema String(string? description = null) => new() { Type = JsonSchemaType.String, Description = description };

    public static OpenApiSchema Integer(string? description = null) => new() { Type = JsonSchemaType.Integer, Description = description };

    public static OpenApiSchema Boolean(string? description = null) => new() { Type = JsonSchemaType.Boolean, Description = description };

    public static OpenApiSchema Array(OpenApiSchema items, string? description = null) => new() { Type = JsonSchemaType.Array, Items = items, Description = description };

    public static OpenApiSchema Any(string? description = null) => new() { Description = description };

    public static OpenApiSchema Object(string? description, params ReadOnlySpan<(string Name, OpenApiSchema Schema)> members)
    {
        var properties = new Dictionary<string, IOpenApiSchema>();
        foreach (var (name, schema) in members) properties.Add(name, schema);
        return new OpenApiSchema { Type = JsonSchemaType.Object, Description = description, Properties = properties };
    }

    public static OpenApiResponse Json(string description, OpenApiSchema schema) => new() { Description = description, Content = Content("application/json", schema) };

    public static Dictionary<string, OpenApiMediaType> Content(string type, OpenApiSchema schema) => new() { [type] = new OpenApiMediaType { Schema = schema } };

    public static OpenApiParameter Path(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Path, Required = true, Description = description, Schema = String() };

    public static OpenApiParameter Query(string name, OpenApiSchema schema) => new() { Name = name, In = ParameterLocation.Query, Description = schema.Description, Schema = schema };

    public static OpenApiParameter Header(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = String() };

    public static OpenApiSchema Error() => Object(null, ("error", Object(
        null, ("message", String()), ("type", String()), ("param", String("The field at fault.")), ("code", String()))));

    public static OpenApiSchema Model() => Object(null, ("id", String()), ("object", String()), ("created", Integer()), ("owned_by", String()));

    public static OpenApiSchema List(OpenApiSchema item) => Object(null, ("object", String()), ("data", Array(item)));

    /// <summary>A chat request.</summary>
    public static OpenApiSchema ChatRequest() => Request(ChatFields.All, "model", "messages");

    /// <summary>A request for images.</summary>
    public static OpenApiSchema ImageRequest() => Request(ImageFields.All, "model", "prompt");

    /// <summary>Images.</summary>
    public static OpenApiSchema Images() => Object(
        null,
        ("created", Integer()),
        ("data", Array(Object(null, ("url", String()), ("b64_json", String()), ("revised_prompt", String("What the bot said besides."))))),
        ("usage", Object(null, ("input_tokens", Integer()), ("output_tokens", Integer()), ("total_tokens", Integer()))),
        ("cozecluster", Object("Extension.", ("turns", Array(String())))));

    /// <summary>A request, straight from the table of its fields.</summary>
    private static OpenApiSchema Request(IEnumerable<RequestField> fields, params string[] required)
    {
        var properties = new Dictionary<string, IOpenApiSchema>();
        foreach (var field in fields)
        {
            var use = field.Use switch { FieldUse.Ignored => "Ignored. ", FieldUse.Refused => "Refused unless it asks for nothing. ", _ => "" };
            properties.Add(field.Name, new OpenApiSchema { Type = TypeOf(field.Type), Description = (use + field.Note).Trim() });
        }
        return new OpenApiSchema { Type = JsonSchemaType.Object, Properties = properties, Required = new HashSet<string>(required) };
    }

    public static OpenApiSchema Completion() => Object(
        null,
        ("id", String()), ("object", String("chat.completion")), ("created", Integer()), ("model", String()),
        ("choices", Array(Object(
            null,
            ("index", Integer()),
            ("message", Object(null, ("role", String()), ("content", String()), ("reasoning_content", String("Extension.")), ("tool_calls", Array(Any())))),
            ("finish_reason", String("stop, length, tool_calls or content_filter."))))),
        ("usage", Object(null, ("prompt_tokens", Integer()), ("completion_tokens", Integer()), ("total_tokens", Integer()))),
        ("cozecluster", Extension()));

    public static OpenApiSchema Turn() => Object(
        null,
        ("id", String()), ("object", String("turn")), ("status", String("queued, running, completed, failed or cancelled.")), ("model", String()),
        ("conversation_id", String()), ("created", Integer()), ("ended", Integer()), ("cursor", String("The place behind the reply so far.")), ("error", Any()), ("reply", Completion()));

    public static OpenApiSchema Conversation() => Object(
        null, ("id", String("Its name.")), ("object", String("conversation")), ("title", String()), ("created", Integer()), ("last_used", Integer()), ("turns", Integer()));

    private static OpenApiSchema Extension() => Object(
        "What a bot's reply has and OpenAI's has not.",
        ("turn_id", String()), ("conversation_id", String()),
        ("origin", Object(null, ("bot", String()), ("upstream", String()), ("ids", Any("The ids of the bot's platform.")))),
        ("follow_ups", Array(String())), ("events", Array(Any())));

    private static JsonSchemaType? TypeOf(string text) => text.Contains(" or ", StringComparison.Ordinal) ? null : text.Split(',', ' ')[0] switch
    {
        "string" => JsonSchemaType.String,
        "number" => JsonSchemaType.Number,
        "integer" => JsonSchemaType.Integer,
        "boolean" => JsonSchemaType.Boolean,
        "array" => JsonSchemaType.Array,
        "object" => JsonSchemaType.Object,
        _ => null,
    };
}
