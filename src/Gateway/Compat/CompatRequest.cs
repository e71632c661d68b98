using System.Text.Json;
using CozeCluster.Gateway.Surfaces.Admin;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Compat;

/// <summary>Whose API a request uses. It is a feature of the HTTP context; without it, the request uses the standard API.</summary>
/// <param name="Mode">The older system.</param>
/// <param name="Endpoint">The endpoint that decided this; null if the API key did.</param>
internal sealed record CompatRequest(CompatMode Mode, EndpointDefinition? Endpoint)
{
    /// <summary>
    /// Counts one more request against the limit of the endpoint, for connections that carry several. Throws as the first request did if it was one too many.
    /// </summary>
    public Action CheckLimits { get; init; } = static () => { };

    /// <summary>Whose API the request uses; null: the standard API.</summary>
    public static CompatRequest? Of(HttpContext context) => context.Features.Get<CompatRequest>();

    /// <summary>
    /// How errors of a request are written: as problem details in the admin API; as the older system did on its own routes, and where no route was found;
    /// null: as the standard API does.
    /// </summary>
    public static IErrorShape? ErrorShapeOf(HttpContext context)
    {
        if (AdminErrors.AppliesTo(context)) return AdminErrors.Instance;
        if (Of(context) is not { Mode: not CompatMode.None } request) return null;
        // What routing chooses for a method that a path does not have is no route.
        if (context.GetEndpoint() is RouteEndpoint route && route.Metadata.GetMetadata<CompatRoute>() is null) return null;
        return context.RequestServices.GetKeyedService<IErrorShape>(request.Mode);
    }

    /// <summary>A setting of the endpoint; null if it is not set, or if there is no endpoint.</summary>
    public static string? Option(HttpContext context, string name) => Of(context)?.Endpoint?.Options.GetValueOrDefault(name);
}

/// <summary>Marks a route that exists only for requests of one older system. There, it replaces a standard route of the same address.</summary>
/// <param name="Mode">The older system.</param>
internal sealed record CompatRoute(CompatMode Mode)
{
    /// <summary>
    /// Whether the route replaces a standard route for a request; otherwise the standard route is used, and this one only where there is none. Default: always.
    /// </summary>
    public Func<CompatRequest, bool> Applies { get; init; } = static _ => true;
}

/// <summary>
/// Writes errors in another form than the standard API. Those of older systems are registered as keyed services under their <see cref="CompatMode"/>.
/// </summary>
internal interface IErrorShape
{
    /// <summary>The media type of the body.</summary>
    string ContentType => "application/json";

    /// <summary>The HTTP status of an error.</summary>
    int StatusOf(HttpContext context, Error error);

    /// <summary>Writes the body: one JSON value.</summary>
    void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error);
}
