using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Http;

/// <summary>Maps API routes with the key that each one requires and its description in the OpenAPI document.</summary>
internal static class ApiRoutes
{
    /// <summary>Maps a route that requires the API key of a tenant.</summary>
    /// <param name="routes">The application's routes.</param>
    /// <param name="method">The HTTP method.</param>
    /// <param name="pattern">The route pattern.</param>
    /// <param name="handler">Handles the requests.</param>
    /// <param name="tag">The group of the operation in the OpenAPI document.</param>
    /// <param name="operationId">The operation id in the OpenAPI document.</param>
    /// <param name="summary">What the operation does.</param>
    /// <param name="describe">Adds parameters, bodies and responses to the description.</param>
    public static void MapTenant(
        this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler, string tag, string operationId, string summary,
        Action<OpenApiOperation> describe) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(TenantRoute.Instance).Describe(handler.Method, tag, operationId, summary, describe);

    /// <summary>Maps a route that requires an admin key of any role except that of tenant admins.</summary>
    /// <param name="routes">The application's routes.</param>
    /// <param name="method">The HTTP method.</param>
    /// <param name="pattern">The route pattern.</param>
    /// <param name="handler">Handles the requests.</param>
    /// <param name="operationId">The operation id in the OpenAPI document.</param>
    /// <param name="summary">What the operation does.</param>
    /// <param name="describe">Adds parameters, bodies and responses to the description.</param>
    public static IEndpointConventionBuilder MapViewer(
        this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler, string operationId, string summary,
        Action<OpenApiOperation> describe) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(new AdminRoute(AdminRole.Viewer, operationId))
            .Describe(handler.Method, "Admin", operationId, summary, describe);
}

/// <summary>Marks routes that require the API key of a tenant.</summary>
internal sealed class TenantRoute
{
    public static TenantRoute Instance { get; } = new();
}

/// <summary>Marks routes that require an admin key.</summary>
/// <param name="MinimumRole">The minimum role of keys that may use it. The role of tenant admins is not among these.</param>
/// <param name="Action">What the audit log calls the operation.</param>
internal sealed record AdminRoute(AdminRole MinimumRole, string Action)
{
    /// <summary>Whether tenant admins may use it too. It shows and changes only what belongs to their tenant then.</summary>
    public bool TenantAdmins { get; init; }

    /// <summary>Whether people open the route with a browser. The browser asks for the key: it is the password of any user name.</summary>
    public bool ForBrowsers { get; init; }

    /// <summary>Whether keys of a role may use it.</summary>
    public bool Allows(AdminRole role) => role == AdminRole.TenantAdmin ? TenantAdmins : role >= MinimumRole;

    /// <summary>The <c>WWW-Authenticate</c> header of a response to a request without a valid key.</summary>
    public static string ChallengeFor(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<AdminRoute>() is { ForBrowsers: true }
        ? "Basic realm=\"CozeCluster: any user name, an admin key as password\", charset=\"UTF-8\""
        : "Bearer";
}

/// <summary>Marks routes that machines request all the time. Their successful requests are logged at debug level only.</summary>
internal sealed class DebugLogRoute;
