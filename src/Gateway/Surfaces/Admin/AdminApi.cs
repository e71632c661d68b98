using CozeCluster.Gateway.Surfaces.UsageReports;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>The admin API, <c>/admin/v1</c>.</summary>
internal static class AdminApi
{
    /// <summary>Where all routes of the admin API begin.</summary>
    public const string Prefix = "/admin/v1";

    // Every part of the API has a serializer context of its own.
    private static readonly IJsonTypeInfoResolver[] Contexts = [AdminJson.Default, AdminRoutingJson.Default, UsageJson.Default, AdminFleetJson.Default];

    /// <summary>Whether a route belongs to operators, so that it must say which roles may use it.</summary>
    public static bool Contains(string pattern) => pattern.StartsWith("/admin", StringComparison.OrdinalIgnoreCase);

    public static void Map(IEndpointRouteBuilder app)
    {
        var routes = new AdminRoutes(app);
        AdminTenantsApi.Map(routes);
        AdminCreditApi.Map(routes);
        AdminFleetApi.Map(routes);
        AdminConversationsApi.Map(routes);
        AdminTurnsApi.Map(routes);
        AdminClusterApi.Map(routes);
        AuditApi.Map(routes);
        RouteApi.Map(routes);
        UsageApi.Map(routes);
        FleetApi.Map(routes);
        FleetItemsApi.Map(routes);
        FleetKeysApi.Map(routes);
    }

    /// <summary>Adds the services of the admin API.</summary>
    public static IServiceCollection AddAdminApi(this IServiceCollection services)
    {
        services.AddSingleton<RefusedRequests>();
        services.AddSingleton<FleetCallQueue>();
        // The generator of the OpenAPI document reads the schemas of bodies from here.
        return services.Configure<JsonOptions>(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            foreach (var context in Contexts) options.SerializerOptions.TypeInfoResolverChain.Add(context);
        });
    }
}
