using CozeCluster.Gateway;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace CozeCluster.Security.Tests;

/// <summary>The routes that the gateway maps, from its own route table.</summary>
internal static class HttpRoutes
{
    /// <summary>All routes as <c>METHOD pattern</c>; those of an older system with its mode before that: <c>ccp METHOD pattern</c>.</summary>
    public static IReadOnlyList<string> All { get; } = Read();

    /// <summary>The roles of every route that an admin key opens, or whose path begins with <c>/admin</c>; null: none.</summary>
    internal static IReadOnlyDictionary<string, AdminRoute?> OfOperators { get; } = Endpoints()
        .Where(endpoint =>
            endpoint.Metadata.GetMetadata<AdminRoute>() is not null || endpoint.RoutePattern.RawText!.StartsWith("/admin", StringComparison.Ordinal))
        .SelectMany(endpoint => MethodsOf(endpoint).Select(method => (Route: $"{method} {endpoint.RoutePattern.RawText}", endpoint)))
        .ToDictionary(pair => pair.Route, pair => pair.endpoint.Metadata.GetMetadata<AdminRoute>());

    private static string[] Read() =>
    [
        .. Endpoints()
            .SelectMany(endpoint => MethodsOf(endpoint).Select(method => $"{ModeOf(endpoint)}{method} {endpoint.RoutePattern.RawText}"))
            .Order(StringComparer.Ordinal),
    ];

    private static IReadOnlyList<RouteEndpoint> Endpoints()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddGateway();
        using var app = builder.Build();
        app.MapGateway();
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];
    }

    private static string ModeOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<CompatRoute>() is { Mode: var mode } ? $"{mode.ToString().ToLowerInvariant()} " : "";

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is { HttpMethods: { Count: > 0 } methods } ? methods : ["ANY"];
}
