using CozeCluster.Gateway.Auth;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Http;

/// <summary>How routes that a tenant's key opens are mapped: with their place in the API document.</summary>
internal static class TenantRoutes
{
    /// <param name="routes">Where to.</param>
    /// <param name="method">HTTP method.</param>
    /// <param name="pattern">Route pattern.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="tag">The heading it stands under in the document.</param>
    /// <param name="id">Its operation id.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="describe">Adds parameters, bodies and responses.</param>
    public static void MapTenant(
        this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler, string tag, string id, string summary, Action<OpenApiOperation> describe) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(TenantRoute.Instance).Describe(handler.Method, tag, id, summary, describe);
}
