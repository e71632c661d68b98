namespace CozeCluster.Security.Tests.Tenants;

/// <summary>The attacks on the admin API. The attacker has the key of a tenant admin where the route is open to these.</summary>
internal static class AdminRouteCases
{
    private const string Prefix = "/admin/v1";

    /// <summary>Which roles may use a route: the least one, and <c>tenant_admin</c> if it is open to tenant admins. A route that is not here fails a test.</summary>
    public static IReadOnlyDictionary<string, string> Roles { get; } = new Dictionary<string, string>
    {
        ["GET /admin/health"] = "viewer",
        ["GET /metrics"] = "viewer",
        [$"GET {Prefix}/audit"] = "operator tenant_admin",
        [$"GET {Prefix}/dry-run/route"] = "viewer tenant_admin",
        [$"GET {Prefix}/usage"] = "viewer tenant_admin",
    }.Concat(FleetRouteCases.Roles).ToDictionary();

    public static Dictionary<string, RouteCase> All { get; } = new(FleetRouteCases.All, StringComparer.Ordinal)
    {
        [$"GET {Prefix}/audit"] = Case(ids =>
        [
            Get($"/audit?tenant={ids.TenantId}"), Get($"/audit?id={ids.TurnId}"), Get($"/audit?after={ids.TurnId}"), Get($"/audit?tenant=%20{ids.TenantId}"),
        ]),
        [$"GET {Prefix}/dry-run/route"] = Case(ids =>
        [
            Get($"/dry-run/route?model=m&tenant={ids.TenantId}"), Get($"/dry-run/route?model={ids.Model}"),
            Get($"/dry-run/route?model=m&tenant={ids.TenantId}&conversation={ids.Conversation}"),
        ]),
        [$"GET {Prefix}/usage"] = Case(ids =>
        [
            Get($"/usage?tenant={ids.TenantId}"), Get("/usage?group_by=hour,tenant,key,user,model&format=csv"), Get($"/usage?tenant=%20{ids.TenantId}"),
            Get("/usage?group_by=bot"), Get("/usage?account=a"),
        ]),
    };

    private static RouteCase Case(Func<Ids, IReadOnlyList<Attack>> attacks) => new(Access.TenantAdmin, attacks);

    private static Attack Get(string path) => new(HttpMethod.Get, Prefix + path);
}
