using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>The attacks on the routes of the admin API that change the fleet.</summary>
internal static class FleetRouteCases
{
    private const string Fleet = "/admin/v1/fleet";
    private const string Keys = "/admin/v1/fleet/tenants/{tenant}/keys";
    private static readonly string[] Kinds = ["tenants", "accounts", "listeners", "bots", "models"];

    /// <summary>See <see cref="AdminRouteCases.Roles"/>.</summary>
    public static Dictionary<string, string> Roles => All.ToDictionary(
        route => route.Key,
        route => LeastOf(route.Key) + (route.Value.Access == Access.TenantAdmin ? " tenant_admin" : ""));

    public static Dictionary<string, RouteCase> All { get; } = new(OfKinds(), StringComparer.Ordinal)
    {
        [$"GET {Fleet}"] = Admin(HttpMethod.Get, Fleet),
        [$"POST {Fleet}/import"] = Admin(HttpMethod.Post, $"{Fleet}/import"),
        [$"GET {Keys}"] = Keyed(HttpMethod.Get, ""),
        [$"POST {Keys}"] = Keyed(HttpMethod.Post, ""),
        [$"GET {Keys}/{{name}}"] = Keyed(HttpMethod.Get, "/app"),
        [$"PUT {Keys}/{{name}}"] = Keyed(HttpMethod.Put, "/app"),
        [$"PATCH {Keys}/{{name}}"] = Keyed(HttpMethod.Patch, "/app"),
        [$"DELETE {Keys}/{{name}}"] = Keyed(HttpMethod.Delete, "/app"),
        [$"POST {Keys}/{{name}}/release"] = Keyed(HttpMethod.Post, "/app/release"),
        [$"POST {Keys}/{{name}}/rotate"] = Keyed(HttpMethod.Post, "/app/rotate"),
    };

    private static string LeastOf(string route) =>
        route.StartsWith("GET ", StringComparison.Ordinal) ? "viewer" : route.EndsWith("/import", StringComparison.Ordinal) ? "owner" : "operator";

    private static IEnumerable<KeyValuePair<string, RouteCase>> OfKinds()
    {
        foreach (var kind in Kinds)
        {
            yield return KeyValuePair.Create($"GET {Fleet}/{kind}", Admin(HttpMethod.Get, $"{Fleet}/{kind}"));
            foreach (var route in OfItem($"{Fleet}/{kind}/{{id}}", $"{Fleet}/{kind}/nobody")) yield return route;
        }
        foreach (var route in OfItem($"{Fleet}/settings", $"{Fleet}/settings")) yield return route;
    }

    private static IEnumerable<KeyValuePair<string, RouteCase>> OfItem(string pattern, string path)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Put, HttpMethod.Patch, HttpMethod.Delete])
            yield return KeyValuePair.Create($"{method} {pattern}", Admin(method, path));
        yield return KeyValuePair.Create($"POST {pattern}/release", Admin(HttpMethod.Post, $"{path}/release"));
    }

    private static RouteCase Admin(HttpMethod method, string path) => new(Access.Admin, _ => [Attack(method, path)]);

    private static RouteCase Keyed(HttpMethod method, string rest) => new(
        Access.TenantAdmin, ids =>
        [
            Attack(method, $"{Fleet}/tenants/{ids.TenantId}/keys{rest}"),
            Attack(method, $"{Fleet}/tenants/{ids.TenantId}/keys{rest}", new Dictionary<string, string> { ["if-match"] = "*" }),
        ]);

    private static Attack Attack(HttpMethod method, string path, Dictionary<string, string>? headers = null) =>
        new(method, path, method == HttpMethod.Get || method == HttpMethod.Delete ? null : new JsonObject(), headers);
}
