using CozeCluster.Gateway.Auth;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Http;

/// <summary>How routes that an admin's key opens are mapped: with their place in the API document.</summary>
internal static class AdminRoutes
{
    /// <param name="routes">Where to.</param>
    /// <param name="method">HTTP method.</param>
    /// <param name="pattern">Route pattern.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="id">Its operation id.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="describe">Adds parameters, bodies and responses.</param>
    /// <param name="openToThisMachine">Whether a caller on this machine needs no key.</param>
    public static IEndpointConventionBuilder MapAdmin(
        this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler, string id, string summary, Action<OpenApiOperation> describe,
        bool openToThisMachine = false) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(new AdminRoute(openToThisMachine)).Describe(handler.Method, "Admin", id, summary, describe);
}
