using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>
/// The attacks on the routes of coze-discord-proxy, at the endpoint <c>/cdp</c> of the node. Both tenants have a bot in the same Discord server, and the victim
/// has created a channel there.
/// </summary>
internal static class CdpRouteCases
{
    private const string Secret = "proxy-secret";

    public static Dictionary<string, RouteCase> All { get; } = new Dictionary<string, RouteCase>(StringComparer.Ordinal)
    {
        ["cdp GET /v1/models"] = Case(_ => [Get("/v1/models")]),
        ["cdp POST /v1/chat/completions"] = Case(ids =>
            [Post("/v1/chat/completions", Chat(ids.Model)), Post("/v1/chat/completions", In(ids.ChannelId, Chat("attacker-discord")))]),
        ["cdp POST /v1/images/generations"] = Case(ids =>
            [Post("/v1/images/generations", Drawing(ids.Model)), Post("/v1/images/generations", In(ids.ChannelId, Drawing("attacker-discord")))]),
        ["cdp POST /api/channel/create"] = Case(ids => [BySecret(Post("/api/channel/create", Named("parentId", ids.ChannelId)))]),
        ["cdp GET /api/channel/del/{id}"] = Case(ids => [BySecret(Get($"/api/channel/del/{ids.ChannelId}"))]),
        ["cdp GET /api/channel/del/all/cdp"] = Case(_ => [BySecret(Get("/api/channel/del/all/cdp"))]),
        ["cdp POST /api/thread/create"] = Case(ids => [BySecret(Post("/api/thread/create", Named("channelId", ids.ChannelId)))]),
    };

    private static RouteCase Case(Func<Ids, IReadOnlyList<Attack>> attacks) => new(Access.Tenant, attacks) { WrongKindWith = 401, FailsAsServer = true };

    private static Attack Get(string path) => new(HttpMethod.Get, "/cdp" + path);

    private static Attack Post(string path, JsonObject body) => new(HttpMethod.Post, "/cdp" + path, body);

    private static Attack BySecret(Attack attack) => attack with { KeyHeader = Secret };

    private static JsonObject Chat(string model) => new()
    {
        ["model"] = model, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "What did we say? [[say=nothing]]" }),
    };

    private static JsonObject Drawing(string model) => new() { ["model"] = model, ["prompt"] = "a cat" };

    private static JsonObject In(string channel, JsonObject body)
    {
        body["channelId"] = channel;
        return body;
    }

    private static JsonObject Named(string parent, string id) => new() { [parent] = id, ["name"] = "taken over", ["archiveDuration"] = 60 };
}
