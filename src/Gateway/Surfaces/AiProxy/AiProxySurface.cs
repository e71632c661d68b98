using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>The API of aiproxy, on endpoints with <c>compat: aiproxy</c>.</summary>
internal static class AiProxySurface
{
    private static readonly CompatRoute Own = new(CompatMode.AiProxy);

    /// <summary>Only endpoints that pass requests to OpenAI do so at the addresses of the standard API.</summary>
    private static readonly CompatRoute OwnIfPassedToOpenAi = new(CompatMode.AiProxy)
    {
        Applies = static request => PassThroughRules.Of(request, UpstreamNames.OpenAi).IsEnabled,
    };

    public static IServiceCollection AddAiProxy(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<PassThroughKeys>();
        services.AddSingleton<PassThroughAdmission>();
        services.AddSingleton<PassThroughApi>();
        services.AddSingleton<AiProxyApi>();
        services.AddKeyedSingleton<IErrorShape, AiProxyErrors>(CompatMode.AiProxy);
        return services;
    }

    /// <summary>Maps the routes. Their keys may be where those of providers are, so the handlers authenticate.</summary>
    public static void MapAiProxy(this IEndpointRouteBuilder routes)
    {
        Map(routes, "GET", "/ping", Ping);
        Map(routes, "POST", "/c/v1/chat/completions", static context => Api(context).Complete(context));
        Map(routes, "POST", "/claude/api/openai", static context => Api(context).Convert(context, NativeRequestReader.ReadClaude));
        Map(routes, "POST", "/gemini/openai", static context => Api(context).Convert(context, NativeRequestReader.ReadGemini));
        MapForward(routes, "/v1", UpstreamNames.OpenAi, keepsPrefix: true, OwnIfPassedToOpenAi);
        MapForward(routes, "/dashboard", UpstreamNames.OpenAi, keepsPrefix: true, OwnIfPassedToOpenAi);
        MapForward(routes, "/claude/api", UpstreamNames.Claude, keepsPrefix: false, Own);
        MapForward(routes, "/gemini", UpstreamNames.Gemini, keepsPrefix: false, Own);
        ClosedRoutes.Map(routes);
    }

    private static void Map(IEndpointRouteBuilder routes, string method, string pattern, RequestDelegate handler) =>
        routes.MapMethods(pattern, [method], handler).WithMetadata(Own).ExcludeFromDescription();

    private static void MapForward(IEndpointRouteBuilder routes, string prefix, string upstream, bool keepsPrefix, CompatRoute route)
    {
        RequestDelegate forward = context =>
        {
            context.Request.Path.StartsWithSegments(prefix, StringComparison.OrdinalIgnoreCase, out var rest);
            var path = keepsPrefix ? new PathString(prefix).Add(rest) : rest;
            return context.RequestServices.GetRequiredService<PassThroughApi>().Forward(context, upstream, path.HasValue ? path : new PathString("/"));
        };
        routes.Map(prefix + "/{**path}", forward).WithMetadata(route).ExcludeFromDescription();
    }

    private static AiProxyApi Api(HttpContext context) => context.RequestServices.GetRequiredService<AiProxyApi>();

    private static Task Ping(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync("""{"ping":"ok"}""", context.RequestAborted);
    }
}
