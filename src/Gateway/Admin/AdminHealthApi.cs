using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Admin;

/// <summary><c>GET /admin/health</c>: how every bot, account and listener of the fleet stands, for the whole cluster.</summary>
internal static class AdminHealthApi
{
    public static void MapAdminHealth(this IEndpointRouteBuilder routes) => routes.MapAdmin(
        "GET", "/admin/health", Read, "readHealth", "Tells how every bot, account and listener stands.", static operation =>
            operation.Responses!.Add("200", Schemas.Json("How they stand.", Schemas.List(Entry()))));

    private static async Task Read(HttpContext context)
    {
        var entries = await context.RequestServices.GetRequiredService<IGrainFactory>().Grain<IHealthGrain>(GrainKeys.Health).List();
        await JsonResponse.Write(context, entries, HealthReport.Write);
    }

    private static Microsoft.OpenApi.OpenApiSchema Entry() => Schemas.Object(
        null,
        ("kind", Schemas.String("bot, account or listener.")), ("id", Schemas.String()),
        ("state", Schemas.String("unknown, ok, connecting, cooling, set_aside or failing.")), ("reason", Schemas.String()), ("code", Schemas.String()),
        ("since", Schemas.String("ISO 8601.")), ("until", Schemas.String("ISO 8601: when it is tried or fit again.")),
        ("keep_active", Schemas.Object("What became of the last keep-active message.", ("at", Schemas.String()), ("error", Schemas.String()))));
}
