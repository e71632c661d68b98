using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>The API of coze-discord-proxy. Its routes exist only for requests of that mode.</summary>
internal static class CdpApi
{
    private static readonly CompatRoute Route = new(CompatMode.Cdp);

    /// <summary>Adds the services of the surface.</summary>
    public static IServiceCollection AddCdp(this IServiceCollection services) => services
        .AddSingleton<CdpServers>()
        .AddSingleton<CdpTurns>()
        .AddSingleton<CdpChat>()
        .AddSingleton<CdpImages>()
        .AddSingleton<CdpChannels>()
        .AddKeyedSingleton<IErrorShape, CdpErrors>(CompatMode.Cdp);

    /// <summary>Maps the routes of the surface.</summary>
    public static void MapCdp(this IEndpointRouteBuilder routes)
    {
        routes.MapV1("POST", "/v1/chat/completions", static context => Get<CdpChat>(context).Complete(context));
        routes.MapV1("POST", "/v1/images/generations", static context => Get<CdpImages>(context).Generate(context));
        routes.MapV1("GET", "/v1/models", CdpModels.List);
        // These read the key from another header.
        routes.MapRoute("POST", "/api/channel/create", static context => Get<CdpChannels>(context).Create(context));
        routes.MapRoute("GET", "/api/channel/del/{id}", static context => Get<CdpChannels>(context).Delete(context));
        routes.MapRoute("GET", "/api/channel/del/all/cdp", static context => Get<CdpChannels>(context).DeleteAll(context));
        routes.MapRoute("POST", "/api/thread/create", static context => Get<CdpChannels>(context).CreateThread(context));
    }

    private static void MapV1(this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler) =>
        routes.MapRoute(method, pattern, handler).WithMetadata(TenantRoute.Instance);

    private static IEndpointConventionBuilder MapRoute(this IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(Route);

    private static T Get<T>(HttpContext context) where T : notnull => context.RequestServices.GetRequiredService<T>();
}
