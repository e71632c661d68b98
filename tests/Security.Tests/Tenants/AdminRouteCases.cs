using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>The attacks on the admin API. The attacker has the key of a tenant admin where the route is open to these.</summary>
internal static class AdminRouteCases
{
    private const string Prefix = "/admin/v1";

    /// <summary>
    /// Which roles may use a route: the least one, and <c>tenant_admin</c> if it is open to tenant admins. A route that is not here fails a test.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Roles { get; } = new Dictionary<string, string>
    {
        ["GET /admin/health"] = "viewer",
        ["GET /metrics"] = "viewer",
        [$"GET {Prefix}/audit"] = "operator tenant_admin",
        [$"GET {Prefix}/tenants"] = "viewer tenant_admin",
        [$"GET {Prefix}/tenants/{{id}}"] = "viewer tenant_admin",
        [$"GET {Prefix}/tenants/{{id}}/keys"] = "viewer tenant_admin",
        [$"GET {Prefix}/tenants/{{id}}/keys/{{**name}}"] = "viewer tenant_admin",
        [$"GET {Prefix}/tenants/{{id}}/credit"] = "viewer tenant_admin",
        [$"POST {Prefix}/tenants/{{id}}/credit"] = "operator",
        [$"GET {Prefix}/bots"] = "viewer",
        [$"GET {Prefix}/bots/{{id}}"] = "viewer",
        [$"GET {Prefix}/accounts"] = "viewer",
        [$"GET {Prefix}/accounts/{{id}}"] = "viewer",
        [$"GET {Prefix}/listeners"] = "viewer",
        [$"GET {Prefix}/models"] = "viewer tenant_admin",
        [$"GET {Prefix}/models/{{**id}}"] = "viewer tenant_admin",
        [$"GET {Prefix}/conversations"] = "viewer tenant_admin",
        [$"GET {Prefix}/conversations/{{tenant}}/{{**name}}"] = "viewer tenant_admin",
        [$"DELETE {Prefix}/conversations/{{tenant}}/{{**name}}"] = "operator tenant_admin",
        [$"GET {Prefix}/turns"] = "viewer tenant_admin",
        [$"GET {Prefix}/turns/{{id}}"] = "viewer tenant_admin",
        [$"DELETE {Prefix}/turns/{{id}}"] = "operator tenant_admin",
        [$"GET {Prefix}/health"] = "viewer",
        [$"GET {Prefix}/cluster"] = "viewer",
        [$"GET {Prefix}/dry-run/route"] = "viewer tenant_admin",
        [$"GET {Prefix}/usage"] = "viewer tenant_admin",
    }.Concat(FleetRouteCases.Roles).ToDictionary();

    public static Dictionary<string, RouteCase> All { get; } = new(FleetRouteCases.All, StringComparer.Ordinal)
    {
        [$"GET {Prefix}/audit"] = OfTenants(ids =>
        [
            Get($"/audit?tenant={ids.TenantId}"), Get($"/audit?id={ids.TurnId}"), Get($"/audit?after={ids.TurnId}"), Get($"/audit?tenant=%20{ids.TenantId}"),
        ]),
        [$"GET {Prefix}/dry-run/route"] = OfTenants(ids =>
        [
            Get($"/dry-run/route?model=m&tenant={ids.TenantId}"), Get($"/dry-run/route?model={ids.Model}"),
            Get($"/dry-run/route?model=m&tenant={ids.TenantId}&conversation={ids.Conversation}"),
        ]),
        [$"GET {Prefix}/usage"] = OfTenants(ids =>
        [
            Get($"/usage?tenant={ids.TenantId}"), Get("/usage?group_by=hour,tenant,key,user,model&format=csv"), Get($"/usage?tenant=%20{ids.TenantId}"),
            Get("/usage?group_by=bot"), Get("/usage?account=a"),
        ]),
        [$"GET {Prefix}/tenants"] = OfTenants(ids => [Get("/tenants"), Get($"/tenants?after={ids.TenantId}"), Get("/tenants?after=m&limit=1")]),
        [$"GET {Prefix}/tenants/{{id}}"] = OfTenants(ids => [Get($"/tenants/{ids.TenantId}"), Get($"/tenants/other%2F..%2F{ids.TenantId}")]),
        [$"GET {Prefix}/tenants/{{id}}/keys"] = OfTenants(ids => [Get($"/tenants/{ids.TenantId}/keys"), Get($"/tenants/{ids.TenantId}/keys?after=a")]),
        [$"GET {Prefix}/tenants/{{id}}/keys/{{**name}}"] = OfTenants(ids =>
            [Get($"/tenants/{ids.TenantId}/keys/app"), Get($"/tenants/other/keys/..%2F..%2F{ids.TenantId}%2Fkeys%2Fapp")]),
        [$"GET {Prefix}/tenants/{{id}}/credit"] = OfTenants(ids => [Get($"/tenants/{ids.TenantId}/credit")]),
        [$"POST {Prefix}/tenants/{{id}}/credit"] = OfOperators(ids => [Post($"/tenants/{ids.TenantId}/credit")]),
        [$"GET {Prefix}/bots"] = OfOperators(_ => [Get("/bots")]),
        [$"GET {Prefix}/bots/{{id}}"] = OfOperators(ids => [Get($"/bots/{ids.Model}")]),
        [$"GET {Prefix}/accounts"] = OfOperators(_ => [Get("/accounts")]),
        [$"GET {Prefix}/accounts/{{id}}"] = OfOperators(ids => [Get($"/accounts/{ids.Model}")]),
        [$"GET {Prefix}/listeners"] = OfOperators(_ => [Get("/listeners")]),
        [$"GET {Prefix}/models"] = OfTenants(ids => [Get("/models"), Get($"/models?after={ids.Model}&limit=1")]),
        [$"GET {Prefix}/models/{{**id}}"] = OfTenants(ids => [Get($"/models/{ids.Model}")]),
        [$"GET {Prefix}/conversations"] = OfTenants(ids =>
            [Get($"/conversations?tenant={ids.TenantId}"), Get($"/conversations?after={ids.Conversation}"), Get("/conversations?limit=1000")]),
        [$"GET {Prefix}/conversations/{{tenant}}/{{**name}}"] = OfTenants(ids =>
            [.. Conversations(ids).Select(Get), .. Conversations(ids).Select(path => Get($"{path}?content=true"))]),
        [$"DELETE {Prefix}/conversations/{{tenant}}/{{**name}}"] = OfTenants(ids => [.. Conversations(ids).Select(Delete)]),
        [$"GET {Prefix}/turns"] = OfTenants(ids =>
        [
            Get($"/turns?tenant={ids.TenantId}"), Get($"/turns?model={ids.Model}"), Get($"/turns?bot={ids.Model}"), Get($"/turns?account={ids.Model}"),
            Get($"/turns?user={ids.Conversation}"), Get("/turns?status=running"), Get("/turns?after=9223372036854775807"),
            .. Turns(ids).Select(id => Get($"/turns?id={id}")),
        ]),
        [$"GET {Prefix}/turns/{{id}}"] = OfTenants(ids =>
            [.. Turns(ids).Select(id => Get($"/turns/{id}")), .. Turns(ids).Select(id => Get($"/turns/{id}?content=true"))]),
        [$"DELETE {Prefix}/turns/{{id}}"] = OfTenants(ids => [.. Turns(ids).Select(id => Delete($"/turns/{id}"))]),
        [$"GET {Prefix}/health"] = OfOperators(_ => [Get("/health")]),
        [$"GET {Prefix}/cluster"] = OfOperators(_ => [Get("/cluster")]),
    };

    private static IReadOnlyList<string> Turns(Ids ids) => [ids.TurnId, ids.NamedTurnId, ids.RunningTurnId];

    // The attacker is the tenant 'other'.
    private static IReadOnlyList<string> Conversations(Ids ids) =>
    [
        $"/conversations/{ids.TenantId}/{ids.Conversation}", $"/conversations/other/..%2F{ids.TenantId}%2F{ids.Conversation}",
        $"/conversations/other%2F..%2F{ids.TenantId}/{ids.Conversation}",
    ];

    private static RouteCase OfTenants(Func<Ids, IReadOnlyList<Attack>> attacks) => new(Access.TenantAdmin, attacks);

    private static RouteCase OfOperators(Func<Ids, IReadOnlyList<Attack>> attacks) => new(Access.Admin, attacks);

    private static Attack Get(string path) => new(HttpMethod.Get, Prefix + path);

    private static Attack Delete(string path) => new(HttpMethod.Delete, Prefix + path);

    private static Attack Post(string path) => new(HttpMethod.Post, Prefix + path, new JsonObject());
}
