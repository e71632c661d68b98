using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>A request that a tenant sends with ids of another one.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path, escaped.</param>
/// <param name="Body">The body; null without one.</param>
/// <param name="Headers">Further headers.</param>
internal sealed record Attack(HttpMethod Method, string Path, JsonNode? Body = null, IReadOnlyDictionary<string, string>? Headers = null)
{
    /// <summary>The header that has the key; null: <c>Authorization</c>.</summary>
    public string? KeyHeader { get; init; }
}

/// <summary>Who may use a route.</summary>
internal enum Access
{
    /// <summary>Everybody, without a key.</summary>
    Open,

    /// <summary>The API key of a tenant.</summary>
    Tenant,

    /// <summary>An admin key that is not that of a tenant admin.</summary>
    Admin,

    /// <summary>Any admin key. Tenant admins see only what belongs to their tenant.</summary>
    TenantAdmin,
}

/// <summary>What is tried on a route.</summary>
/// <param name="Access">Who may use it.</param>
/// <param name="Attacks">Creates the requests of the attacker, with ids of the victim or with unknown ones. Each id that the route reads is in one.</param>
internal sealed record RouteCase(Access Access, Func<Ids, IReadOnlyList<Attack>> Attacks)
{
    /// <summary>The status of requests without a key, or with one that nobody has.</summary>
    public int RefusedWith { get; init; } = 401;

    /// <summary>The status of requests with a key of the other kind.</summary>
    public int WrongKindWith { get; init; } = 403;

    /// <summary>Whether requests that are refused have a status of the server.</summary>
    public bool FailsAsServer { get; init; }
}

/// <summary>The attacks on every route. <see cref="RouteTests"/> fails if the node has a route without a case.</summary>
internal static class RouteCases
{
    private const string Conversations = "/cozecluster/v1/conversations";

    public static IReadOnlyDictionary<string, RouteCase> All { get; } = new Dictionary<string, RouteCase>(
        CdpRouteCases.All.Concat(OlderRouteCases.All).Concat(AdminRouteCases.All), StringComparer.Ordinal)
    {
        ["GET /health/live"] = Open("/health/live"),
        ["HEAD /health/live"] = Open("/health/live"),
        ["GET /health/ready"] = Open("/health/ready"),
        ["HEAD /health/ready"] = Open("/health/ready"),
        ["GET /openapi/{documentName}.json"] = Open("/openapi/v1.json"),
        ["GET /metrics"] = new(Access.Admin, _ => [Get("/metrics")]),
        ["GET /admin/health"] = new(Access.Admin, _ => [Get("/admin/health")]),
        ["GET /v1/models"] = new(Access.Tenant, _ => [Get("/v1/models")]),
        ["GET /v1/models/{**id}"] = new(Access.Tenant, ids => [Get($"/v1/models/{ids.Model}")]),
        ["GET /cozecluster/v1/usage"] = new(Access.Tenant, _ => [Get("/cozecluster/v1/usage?group_by=hour,key,user,model")]),
        ["GET /dashboard/billing/subscription"] = new(Access.Tenant, _ => [Get("/dashboard/billing/subscription")]),
        ["GET /dashboard/billing/usage"] = new(Access.Tenant, _ => [Get("/dashboard/billing/usage")]),
        ["GET /dashboard/billing/{**path}"] = Open("/dashboard/billing/credit_grants"),
        ["GET /v1/dashboard/billing/subscription"] = new(Access.Tenant, _ => [Get("/v1/dashboard/billing/subscription")]),
        ["GET /v1/dashboard/billing/usage"] = new(Access.Tenant, _ => [Get("/v1/dashboard/billing/usage")]),
        ["GET /v1/attachments/{id}/{name}"] = new(Access.Open, ids => Attachments(HttpMethod.Get, ids)),
        ["HEAD /v1/attachments/{id}/{name}"] = new(Access.Open, ids => Attachments(HttpMethod.Head, ids)),
        ["GET /v1/turns/{id}"] = new(Access.Tenant, ids => [.. Turns(ids).Select(id => Get($"/v1/turns/{id}"))]),
        ["DELETE /v1/turns/{id}"] = new(Access.Tenant, ids => [.. Turns(ids).Select(id => new Attack(HttpMethod.Delete, $"/v1/turns/{id}"))]),
        ["GET /v1/turns/{id}/events"] = new(Access.Tenant, ids =>
        [
            .. Turns(ids).Select(id => Get($"/v1/turns/{id}/events")),
            .. Turns(ids).Select(id => Get($"/v1/turns/{id}/events?after={ids.Cursor}")),
            .. Turns(ids).Select(id => Get($"/v1/turns/{id}/events", ("last-event-id", ids.Cursor))),
        ]),
        [$"GET {Conversations}"] = new(Access.Tenant, ids => [Get(Conversations), Get($"{Conversations}?limit=100&after={ids.Conversation}")]),
        [$"GET {Conversations}/{{**name}}"] = new(Access.Tenant, ids => [.. Names(ids).Select(name => Get($"{Conversations}/{name}"))]),
        [$"POST {Conversations}/{{**name}}"] = new(
            Access.Tenant, ids => [.. Names(ids).Select(name => Post($"{Conversations}/{name}", new JsonObject { ["title"] = "taken over" }))]),
        [$"DELETE {Conversations}/{{**name}}"] = new(
            Access.Tenant, ids => [.. Names(ids).Select(name => new Attack(HttpMethod.Delete, $"{Conversations}/{name}"))]),
        ["POST /v1/images/generations"] = new(
            Access.Tenant, ids => [Post("/v1/images/generations", new JsonObject { ["model"] = ids.Model, ["prompt"] = "a cat" })]),
        ["POST /v1/embeddings"] = new(Access.Tenant, ids => [Post("/v1/embeddings", new JsonObject { ["model"] = ids.Model, ["input"] = "a cat" })]),
        ["POST /v1/moderations"] = new(Access.Tenant, ids => [Post("/v1/moderations", new JsonObject { ["model"] = ids.Model, ["input"] = "a cat" })]),
        ["POST /v1/chat/completions"] = new(Access.Tenant, ids =>
        [
            Chat(ids.Model),
            Chat(body: body => body["conversation_id"] = ids.Conversation),
            Chat(headers: [("x-conversation-id", ids.Conversation)]),
            Chat(headers: [("idempotency-key", ids.IdempotencyKey)]),
            Chat(headers: [("idempotency-key", ids.IdempotencyKey), ("x-conversation-id", ids.Conversation)]),
            Chat(body: body => AddResult(body, ids.ToolCallId)),
            Chat(body: body => AddResult(body, ids.ToolCallId), headers: [("idempotency-key", ids.IdempotencyKey)]),
            Chat(body: body => AddResult(body, ids.ToolCallId), headers: [("x-conversation-id", ids.Conversation)]),
            .. Turns(ids).Select(id => Chat(body: body => AddResult(body, ToolCallIds.Of(id, 0)))),
        ]),
        ["rca POST /"] = new(Access.Tenant, _ =>
            [new(HttpMethod.Post, "/rca/", new JsonArray(new JsonObject { ["role"] = 2, ["content"] = "What did we say? [[say=nothing]]" }))]),
        // The page that tries the API. A WebSocket has no ids either, and its key is tested where the surface is.
        ["rca GET /"] = Open("/rca/"),
        ["rca CONNECT /"] = Open("/rca/"),
        // The routes of aiproxy are on an endpoint of that kind. The tenant of the attacker may not pass requests through.
        ["aiproxy GET /ping"] = Open($"{AiProxy}/ping"),
        ["aiproxy POST /c/v1/chat/completions"] = new(Access.Tenant, ids => [CozeTurn("attacker", ids.Conversation), CozeTurn(ids.Model, ids.Conversation)]),
        ["aiproxy POST /claude/api/openai"] = new(Access.Tenant, ids => [Post($"{AiProxy}/claude/api/openai", Named(ids.Model, "messages", "content"))]),
        ["aiproxy POST /gemini/openai"] = new(Access.Tenant, ids => [Post($"{AiProxy}/gemini/openai", Named(ids.Model, "contents", "parts"))]),
        ["aiproxy ANY /v1/{**path}"] = new(Access.Tenant, ids => [Get($"{AiProxy}/v1/turns/{ids.TurnId}")]),
        ["aiproxy ANY /dashboard/{**path}"] = new(Access.Tenant, ids => [Get($"{AiProxy}/dashboard/{ids.TurnId}")]),
        ["aiproxy ANY /claude/api/{**path}"] = new(Access.Tenant, ids => [Get($"{AiProxy}/claude/api/{ids.TurnId}")]),
        ["aiproxy ANY /gemini/{**path}"] = new(Access.Tenant, ids => [Get($"{AiProxy}/gemini/{ids.TurnId}")]),
        ["aiproxy ANY /backend-api/{**path}"] = Open($"{AiProxy}/backend-api/x"),
        ["aiproxy ANY /backend-anon/{**path}"] = Open($"{AiProxy}/backend-anon/x"),
        ["aiproxy ANY /public-api/{**path}"] = Open($"{AiProxy}/public-api/x"),
        ["aiproxy ANY /gptimage/{**path}"] = Open($"{AiProxy}/gptimage/x"),
        ["aiproxy ANY /claude/web/{**path}"] = Open($"{AiProxy}/claude/web/x"),
        ["aiproxy ANY /bing/{**path}"] = Open($"{AiProxy}/bing/x"),
        ["aiproxy ANY /auth/{**path}"] = Open($"{AiProxy}/auth/x"),
        ["aiproxy ANY /arkose/{**path}"] = Open($"{AiProxy}/arkose/x"),
    };

    /// <summary>The path of the endpoint that speaks as aiproxy.</summary>
    private const string AiProxy = "/aiproxy";

    private static Attack CozeTurn(string model, string conversation) => Post($"{AiProxy}/c/v1/chat/completions", new JsonObject
    {
        ["provider"] = "coze", ["model"] = model, ["messages"] = new JsonArray(Message("user", "What did we say? [[say=nothing]]")),
        ["coze"] = new JsonObject { ["conversation"] = new JsonObject { ["conversation_id"] = conversation } },
    });

    private static JsonObject Named(string model, string list, string content) => new()
    {
        ["model"] = model, [list] = new JsonArray(new JsonObject { ["role"] = "user", [content] = new JsonArray(new JsonObject { ["text"] = "Hi" }) }),
    };

    private static RouteCase Open(string path) => new(Access.Open, _ => [Get(path)]);

    private static IReadOnlyList<string> Turns(Ids ids) => [ids.TurnId, ids.NamedTurnId, ids.RunningTurnId];

    // The tenant is a part of the key of a conversation. No name may look like a tenant and a name.
    private static IReadOnlyList<string> Names(Ids ids) => [ids.Conversation, $"main%2F{ids.Conversation}", $"..%2Fmain%2F{ids.Conversation}"];

    private static IReadOnlyList<Attack> Attachments(HttpMethod method, Ids ids) =>
    [
        new(method, $"/v1/attachments/{ids.BlobId}/file.txt"),
        new(method, $"/v1/attachments/{ids.TurnId}/file.txt"),
        new(method, $"/v1/attachments/..%2F..%2Fsecrets.key/{ids.BlobId}"),
        new(method, $"/v1/attachments/{ids.BlobId}%2F..%2F..%2F..%2Fdata/file.txt"),
    ];

    private static Attack Get(string path, params (string Name, string Value)[] headers) =>
        new(HttpMethod.Get, path, Headers: headers.ToDictionary(header => header.Name, header => header.Value));

    private static Attack Post(string path, JsonObject body) => new(HttpMethod.Post, path, body);

    private static Attack Chat(string model = "attacker", Action<JsonObject>? body = null, (string Name, string Value)[]? headers = null)
    {
        var json = new JsonObject { ["model"] = model, ["messages"] = new JsonArray(Message("user", "What did we say? [[say=nothing]]")) };
        body?.Invoke(json);
        return new Attack(HttpMethod.Post, "/v1/chat/completions", json, (headers ?? []).ToDictionary(header => header.Name, header => header.Value));
    }

    private static void AddResult(JsonObject body, string callId)
    {
        var call = new JsonObject { ["id"] = callId, ["type"] = "function", ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = "{}" } };
        body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["tool_calls"] = new JsonArray(call) });
        body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = callId, ["content"] = "result" });
    }

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
