using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.OpenApi;

/// <summary>
/// The things of a fleet file in the OpenAPI document. The readers of fleet files check what clients send; these schemas describe it for programs.
/// </summary>
internal static class FleetSchemas
{
    /// <summary>The name of the schema of a whole fleet file.</summary>
    public const string Document = "Fleet";

    public const string Tenant = "FleetTenant";
    public const string Key = "FleetKey";
    public const string Account = "FleetAccount";
    public const string Listener = "FleetListener";
    public const string Bot = "FleetBot";
    public const string Model = "FleetModel";
    public const string Settings = "FleetSettings";

    private const string Limits = "FleetLimits";
    private const string Budget = "FleetBudget";

    /// <summary>The members that a thing must have when it is made, besides those that its address gives.</summary>
    public static IReadOnlyList<string> RequiredOf(string schema) => schema switch
    {
        Account => ["upstream"],
        Listener => ["guild_id"],
        Bot => ["upstream", "bot_id", "accounts"],
        Model => ["bots"],
        _ => [],
    };

    /// <summary>Adds the schemas to a document.</summary>
    public static void AddTo(OpenApiDocument document)
    {
        document.AddComponent(Budget, Schemas.Object(
            "Amounts of a day or a month, UTC. At least one.",
            ("requests", Schemas.Integer()), ("tokens", Schemas.Integer()), ("credits", Schemas.Number())));
        document.AddComponent(Limits, Schemas.Object(
            "What is missing is not limited.",
            ("requests_per_minute", Schemas.Integer()), ("tokens_per_minute", Schemas.Integer()),
            ("max_concurrent_turns", Schemas.Integer("Only of API keys.")), ("daily", To(Budget)), ("monthly", To(Budget))));
        document.AddComponent(Key, OfKey());
        document.AddComponent(Tenant, OfTenant());
        document.AddComponent(Account, OfAccount());
        document.AddComponent(Listener, OfListener());
        document.AddComponent(Bot, OfBot());
        document.AddComponent(Model, OfModel());
        document.AddComponent(Settings, Schemas.Object("What belongs to no single thing.", [.. SettingsMembers()]));
        document.AddComponent(Document, Schemas.Object(
            "A fleet file.",
            [
                ("allow_user_accounts", Schemas.Boolean("Whether accounts may be those of people on Discord.")), .. SettingsMembers(),
                ("tenants", Schemas.Array(To(Tenant))), ("listeners", Schemas.Array(To(Listener))), ("accounts", Schemas.Array(To(Account))),
                ("bots", Schemas.Array(To(Bot))), ("models", Schemas.Array(To(Model))),
            ]));

        IOpenApiSchema To(string name) => new OpenApiSchemaReference(name, document);

        OpenApiSchema OfKey() => Schemas.Object(
            "An API key of a tenant, or an admin key.",
            ("name", Schemas.String("1 to 100 characters, unique in the tenant.")), ("hash", Schemas.String("(secret), or the SHA-256 of the key.")),
            ("hint", Schemas.String("The first and last characters of a key that was made here.")),
            ("previous", Schemas.Object("The key before the rotation.", ("hash", Schemas.String()), ("until", Schemas.String("ISO 8601.")))),
            ("role", Schemas.String("owner, operator, viewer or tenant_admin: an admin key. Without it, a key of the tenant's API.")),
            ("error_text", Schemas.Boolean("Whether errors in streams are sent as text.")), ("show_bot", Schemas.Boolean("Whether answers name their bot.")),
            ("compat", Schemas.String("The older system whose clients use the key: cdp, ccp, cdb, rca or aiproxy.")),
            ("models", Strings("The models that it may use. Default: all.")), ("ip", Strings("Addresses and ranges. Default: everywhere.")),
            ("expires", Schemas.String("ISO 8601. Default: never.")), ("disabled", Schemas.Boolean()), ("limits", To(Limits)));

        OpenApiSchema OfTenant() => Schemas.Object(
            "A tenant.",
            ("id", Schemas.String()), ("keys", Keys()), ("max_concurrent_turns", Schemas.Integer()),
            ("store_conversations", Schemas.Boolean("Default true.")), ("default_model", Schemas.String("The model or alias of requests that name none.")),
            ("aliases", Texts("Other names of models, which may end in *.")), ("limits", To(Limits)), ("prepaid", Schemas.Boolean("Default false.")),
            ("telemetry_content", Schemas.Boolean("Whether traces have prompts and replies; only owners switch it on. Default false.")));

        OpenApiSchema Keys()
        {
            var keys = Schemas.Array(To(Key));
            keys.Description = "Only in a fleet file.";
            return keys;
        }

        OpenApiSchema OfAccount() => Schemas.Object(
            "An account at an upstream.",
            ("id", Schemas.String()), ("upstream", Schemas.String("coze, openai, claude, gemini or discord.")), ("base_url", Schemas.String()),
            ("credentials", Schemas.String("request: each request brings its own. In place of token and oauth.")),
            ("token", Schemas.String("(secret) keeps the stored one.")),
            ("oauth", Schemas.Object(
                "An OAuth app of Coze, in place of token.",
                ("app_id", Schemas.String()), ("key_id", Schemas.String()), ("private_key", Schemas.String("PEM. (secret) keeps the stored one.")),
                ("enterprise_account_id", Schemas.String()))),
            ("proxy", Schemas.String("http://, https:// or socks5://. (secret) keeps the stored one.")), ("max_concurrent_turns", Schemas.Integer()),
            ("limits", To(Limits)), ("options", Texts("Options of the upstream.")));

        static OpenApiSchema OfListener() => Schemas.Object(
            "A Discord listener.",
            ("id", Schemas.String()), ("token", Schemas.String("(secret) keeps the stored one.")), ("guild_id", Schemas.String()),
            ("base_url", Schemas.String()), ("gateway_url", Schemas.String()), ("shards", Schemas.Integer("Default 1.")),
            ("proxy", Schemas.String("(secret) keeps the stored one.")));

        OpenApiSchema OfBot() => Schemas.Object(
            "A bot.",
            ("id", Schemas.String()), ("upstream", Schemas.String("coze, openai, claude, gemini or discord.")),
            ("bot_id", Schemas.String("The upstream's id of the bot, or its name of the model.")), ("accounts", Strings("They are used in turn.")),
            ("max_concurrent_turns", Schemas.Integer()), ("limits", To(Limits)),
            ("timeouts", Schemas.Object(
                "Durations, like 90s or 2m.", ("first_byte", Schemas.String()), ("idle", Schemas.String()), ("total", Schemas.String()))),
            ("task", Schemas.String("chat, embeddings or moderations. Default chat.")), ("options", Texts("Options of the upstream.")),
            ("keep_active", Schemas.Object(
                "Either every or at.",
                ("every", Schemas.String("A duration.")), ("at", Schemas.String("hh:mm")), ("time_zone", Schemas.String()), ("text", Schemas.String()))));

        static OpenApiSchema OfModel() => Schemas.Object(
            "A model.",
            ("id", Schemas.String()), ("routing", Schemas.String("round_robin, weighted, least_busy or random. Default round_robin.")),
            ("bots", Schemas.Array(new OpenApiSchema
            {
                OneOf =
                [
                    Schemas.String("The id of a bot."),
                    Schemas.Object(null, ("id", Schemas.String()), ("weight", Schemas.Integer("Default 1.")), ("priority", Schemas.Integer("Default 1."))),
                ],
            })),
            ("fallback", Strings("Bots that serve turns when none of the others can.")), ("tenants", Strings("Who may use it. Default: all.")),
            ("hidden", Schemas.Boolean()), ("tools", Schemas.String("refuse or ignore. Default ignore.")),
            ("response_format", Schemas.String("refuse or ignore. Default ignore.")),
            ("price", Schemas.Object(
                "In credits: per million tokens, and per request.",
                ("input", Schemas.Number()), ("output", Schemas.Number()), ("cached_input", Schemas.Number()), ("request", Schemas.Number()))));
    }

    private static IEnumerable<(string, IOpenApiSchema)> SettingsMembers() =>
    [
        ("allow_weak_keys", Schemas.Boolean("Whether short keys and requests without a key are allowed. Not kept.")),
        ("notifications", Schemas.Object(
            null,
            ("webhook", Schemas.Object(null, ("url", Schemas.String("(secret) keeps the stored one.")), ("secret", Schemas.String()))),
            ("telegram", Schemas.Object(
                null, ("token", Schemas.String("(secret) keeps the stored one.")), ("chat_id", Schemas.String()), ("base_url", Schemas.String()))))),
        ("endpoints", Schemas.Array(Schemas.Object(
            "Addresses for clients of older systems.",
            ("id", Schemas.String()), ("port", Schemas.Integer()), ("host", Schemas.String()), ("path", Schemas.String()),
            ("compat", Schemas.String("cdp, ccp, cdb, rca or aiproxy.")), ("anonymous", Schemas.String("The tenant of requests without a key.")),
            ("requests_per_minute", Schemas.Integer()), ("networks", Strings("Ranges of addresses. Default: all.")),
            ("options", Texts("Options of the older system."))))),
    ];

    private static OpenApiSchema Strings(string description)
    {
        var schema = Schemas.Array(Schemas.String());
        schema.Description = description;
        return schema;
    }

    private static OpenApiSchema Texts(string description) =>
        new() { Type = JsonSchemaType.Object, AdditionalProperties = Schemas.String(), Description = description };
}
