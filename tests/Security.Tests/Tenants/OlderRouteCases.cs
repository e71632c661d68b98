using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>The attacks on the routes of older systems, at the endpoints <c>/ccp</c> and <c>/cdb</c> of the node.</summary>
internal static class OlderRouteCases
{
    // The parameters that a route of the Bridge reads, besides the name of a conversation.
    private static readonly (string Route, bool IsOpen, (string Name, string Value)[] More)[] Bridge =
    [
        ("/", true, []), ("/Ping", true, []), ("/robots.txt", true, []), ("/api/Chat", false, [("prompt", "What did we say? [[say=nothing]]")]),
        ("/api/ChatStream", false, [("prompt", "What did we say? [[say=nothing]]")]), ("/api/GetLatestMessage", false, []),
        ("/api/ConversationIsFound", false, []), ("/api/DeleteConversation", false, []), ("/api/RenameConversation", false, [("new_name", "taken over")]),
        ("/api/GetConversations", false, []), ("/api/IsBotOnline", false, []), ("/api/Keepalive", false, []), ("/api/protocol/GetLoginCount", false, []),
        ("/api/discord/GetUserInfo", false, []), ("/api/discord/ReLogin", false, []), ("/api/discord/GetChannels", false, []),
    ];

    public static Dictionary<string, RouteCase> All { get; } = new([.. Ccp(), .. Cdb()], StringComparer.Ordinal);

    private static IEnumerable<KeyValuePair<string, RouteCase>> Ccp() =>
    [
        new("ccp GET /", new(Access.Open, _ => [Get("/ccp/")])),
        new("ccp POST /v1/chat/completions", new(Access.Tenant, ids =>
            [Post("/ccp/v1/chat/completions", Chat(ids.Model)), Post("/ccp/v1/chat/completions", Chat("attacker"))])),
        new("ccp POST /v1/images/generations", new(Access.Tenant, ids => [Post("/ccp/v1/images/generations", Drawing(ids.Model))])),
    ];

    private static IEnumerable<KeyValuePair<string, RouteCase>> Cdb() =>
    [
        .. Bridge.SelectMany(route => Both(route.Route, route.IsOpen, ids =>
            [.. Names(ids).Select(name => ((string, string)[])[("name", name), .. route.More])])),
        // The attacker may create a conversation of the same name for itself, once.
        .. Both("/api/CreateConversation", isOpen: false, ids => [[("name", ids.Conversation)]]),
        new("cdb GET /v1/models", new(Access.Tenant, _ => [Get("/cdb/v1/models")]) { RefusedWith = 403 }),
        new("cdb POST /v1/chat/completions", new(Access.Tenant, ids =>
            [.. Names(ids).Select(name => Post("/cdb/v1/chat/completions", Chat(name)))]) { RefusedWith = 403 }),
        new("cdb POST /v1/images/generations", new(Access.Tenant, ids => [Post("/cdb/v1/images/generations", Drawing(ids.Model))]) { RefusedWith = 403 }),
    ];

    private static IEnumerable<KeyValuePair<string, RouteCase>> Both(
        string route, bool isOpen, Func<Ids, IEnumerable<(string Name, string Value)[]>> parameters)
    {
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
        {
            yield return new($"cdb {method} {route}", new(isOpen ? Access.Open : Access.Tenant, ids =>
                [.. parameters(ids).Select(given => Request(method, "/cdb" + route, [.. given.Select(one => Unique(one, method))]))]) { RefusedWith = 403 });
        }

        (string Name, string Value) Unique((string Name, string Value) parameter, HttpMethod method) =>
            route == "/api/CreateConversation" ? (parameter.Name, $"{parameter.Value} by {method}") : parameter;
    }

    private static IReadOnlyList<string> Names(Ids ids) => [ids.Conversation, ids.BridgeId, ids.NamedTurnId];

    private static Attack Request(HttpMethod method, string path, IReadOnlyList<(string Name, string Value)> parameters) => method == HttpMethod.Get
        ? Get($"{path}?{string.Join('&', parameters.Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value)}"))}")
        : Post(path, new JsonObject(parameters.Select(one => KeyValuePair.Create(one.Name, (JsonNode?)one.Value))));

    private static Attack Get(string path) => new(HttpMethod.Get, path);

    private static Attack Post(string path, JsonObject body) => new(HttpMethod.Post, path, body);

    private static JsonObject Chat(string model) => new()
    {
        ["model"] = model,
        ["stream"] = false,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "What did we say? [[say=nothing]]" }),
    };

    private static JsonObject Drawing(string model) => new() { ["model"] = model, ["prompt"] = "a cat" };
}
