using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Images;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.OpenApi;

/// <summary>The schemas of parameters and bodies in the OpenAPI document.</summary>
internal static class Schemas
{
    public static OpenApiSchema String(string? description = null) => new() { Type = JsonSchemaType.String, Description = description };

    public static OpenApiSchema Integer(string? description = null) => new() { Type = JsonSchemaType.Integer, Description = description };

    public static OpenApiSchema Boolean(string? description = null) => new() { Type = JsonSchemaType.Boolean, Description = description };

    public static OpenApiSchema Number(string? description = null) => new() { Type = JsonSchemaType.Number, Description = description };

    public static OpenApiSchema Array(IOpenApiSchema items) => new() { Type = JsonSchemaType.Array, Items = items };

    public static OpenApiSchema Any(string? description = null) => new() { Description = description };

    public static OpenApiSchema Object(string? description, params ReadOnlySpan<(string Name, IOpenApiSchema Schema)> members)
    {
        var properties = new Dictionary<string, IOpenApiSchema>();
        foreach (var (name, schema) in members) properties.Add(name, schema);
        return new OpenApiSchema { Type = JsonSchemaType.Object, Description = description, Properties = properties };
    }

    public static OpenApiResponse Json(string description, OpenApiSchema schema) =>
        new() { Description = description, Content = Content("application/json", schema) };

    public static Dictionary<string, OpenApiMediaType> Content(string mediaType, OpenApiSchema schema) =>
        new() { [mediaType] = new OpenApiMediaType { Schema = schema } };

    public static OpenApiParameter Path(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Path, Required = true, Description = description, Schema = String() };

    public static OpenApiParameter Query(string name, OpenApiSchema schema) =>
        new() { Name = name, In = ParameterLocation.Query, Description = schema.Description, Schema = schema };

    public static OpenApiParameter Header(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = String() };

    public static OpenApiSchema Error() => Object(null, ("error", Object(
        null, ("message", String()), ("type", String()), ("param", String("The field that is wrong.")), ("code", String()))));

    /// <summary>An error of the admin API.</summary>
    public static OpenApiSchema Problem() => Object(
        "Problem details of RFC 9457.",
        ("type", String("about:blank")), ("title", String()), ("status", Integer()), ("detail", String()), ("code", String("The name of the error.")),
        ("field", String("The field that is wrong.")), ("request_id", String()));

    public static OpenApiSchema Model() => Object(null, ("id", String()), ("object", String()), ("created", Integer()), ("owned_by", String()));

    public static OpenApiSchema List(OpenApiSchema item) => Object(null, ("object", String()), ("data", Array(item)));

    public static OpenApiSchema ChatRequest() => Request(ChatFields.Table, "model", "messages");

    public static OpenApiSchema ImageRequest() => Request(ImageFields.Table, "model", "prompt");

    public static OpenApiParameter UpstreamAuthorization() => Header(
        RequestCredential.Header, "Your own key, for models that take it: the upstream's name (openai, claude, gemini), a space and the key.");

    public static OpenApiSchema Embeddings() => Object(
        null,
        ("object", String()),
        ("data", Array(Object(null, ("object", String()), ("index", Integer()), ("embedding", Any("Numbers, or a string with `base64`."))))),
        ("model", String()),
        ("usage", Object(null, ("prompt_tokens", Integer()), ("total_tokens", Integer()))));

    public static OpenApiSchema Moderations() => Object(
        null,
        ("id", String()),
        ("model", String()),
        ("results", Array(Object(null, ("flagged", Boolean()), ("categories", Any()), ("category_scores", Any())))));

    public static OpenApiSchema Images() => Object(
        null,
        ("created", Integer()),
        ("data", Array(Object(null, ("url", String()), ("b64_json", String()), ("revised_prompt", String("The text of the bot's reply."))))),
        ("usage", Object(null, ("input_tokens", Integer()), ("output_tokens", Integer()), ("total_tokens", Integer()))),
        ("cozecluster", Object("Extension.", ("turns", Array(String())))));

    public static OpenApiSchema Request(FieldTable table, params string[] required)
    {
        var properties = new Dictionary<string, IOpenApiSchema>();
        foreach (var field in table.Fields)
        {
            var use = field.Use switch
            {
                FieldUse.Ignored => "Ignored. ",
                FieldUse.Rejected => "Rejected unless the value asks for nothing. ",
                FieldUse.IgnoredByBots => "Honoured by language models, ignored by bots. ",
                FieldUse.RejectedByBots => "Honoured by language models, rejected by bots unless the value asks for nothing. ",
                _ => "",
            };
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
            ("finish_reason", String("stop, length, tool_calls or content_filter.")),
            ("cozecluster", Any("Extension. The object of the choice's turn, if there are several choices."))))),
        ("usage", Object(
            null,
            ("prompt_tokens", Integer()), ("completion_tokens", Integer()), ("total_tokens", Integer()),
            ("prompt_tokens_details", Object("If the upstream counts them.", ("cached_tokens", Integer()), ("cache_write_tokens", Integer("Extension.")))),
            ("completion_tokens_details", Object("If the upstream counts them.", ("reasoning_tokens", Integer()))))),
        ("cozecluster", Extension()));

    /// <summary>A turn with its prompt.</summary>
    public static OpenApiSchema TurnWithPrompt()
    {
        var turn = Turn();
        turn.Description = "As the turns API has it. Null unless the request asks for it.";
        turn.Properties!["messages"] = Array(Object(
            "As in a chat completion request. Of stored media, only the name.",
            ("role", String()), ("content", Any("A text or a list of parts.")), ("tool_call_id", String()), ("tool_calls", Array(Any()))));
        return turn;
    }

    public static OpenApiSchema Turn() => Object(
        null,
        ("id", String()), ("object", String("turn")), ("status", String("queued, running, completed, failed or cancelled.")), ("model", String()),
        ("conversation_id", String()), ("created", Integer()), ("ended", Integer()), ("cursor", String("The cursor after the reply so far.")),
        ("error", Any()), ("reply", Completion()));

    public static OpenApiSchema Conversation() => Object(
        null,
        ("id", String("The name of the conversation.")), ("object", String("conversation")), ("title", String()), ("created", Integer()),
        ("last_used", Integer()), ("turns", Integer()));

    public static OpenApiSchema Usage() => Object(
        null,
        ("data", Array(Object(
            "Only what the report groups by is there; empty for turns without such a thing.",
            ("time", String("When the hour or day begins.")), ("tenant", String()), ("key", String()), ("user", String()), ("model", String()),
            ("bot", String()), ("account", String()), ("requests", Integer("Turns that have ended: the sum of the next four.")), ("completed", Integer()),
            ("failed", Integer()), ("cancelled", Integer()), ("unknown", Integer("Turns of unknown outcome.")), ("attempts", Integer()),
            ("input_tokens", Integer()), ("output_tokens", Integer()), ("credits", Any("A number: what was charged."))))),
        ("next", String("The value of after for the next page; null on the last one.")));

    private static OpenApiSchema Extension() => Object(
        "The parts of a bot's reply that OpenAI's format has no place for.",
        ("turn_id", String()), ("conversation_id", String()),
        ("ignored_fields", Array(String())), ("usage_estimated", Boolean()),
        ("origin", Object(null, ("bot", String()), ("upstream", String()), ("ids", Any("The ids that the bot's platform uses.")))),
        ("follow_ups", Array(String())), ("events", Array(Any())));

    /// <summary>The schema type of a <see cref="RequestField.Type"/>; null if the field may have several types.</summary>
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
