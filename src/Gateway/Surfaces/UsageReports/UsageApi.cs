using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Admin;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary>
/// <c>GET /admin/v1/usage</c>: what everybody has used. <c>GET /cozecluster/v1/usage</c>: what the tenant of the key has used. Bots and accounts belong to the
/// operator, so neither tenants nor tenant admins see them.
/// </summary>
internal static class UsageApi
{
    private const UsageDimensions OfTenants = UsageDimensions.Key | UsageDimensions.User | UsageDimensions.Model;

    private const UsageDimensions OfTenantAdmins = OfTenants | UsageDimensions.Tenant;

    private const UsageDimensions OfOperators = OfTenantAdmins | UsageDimensions.Bot | UsageDimensions.Account;

    public static void Map(AdminRoutes routes) => routes.MapFile<UsagePage>(
        new AdminOperation("GET", "/usage", AdminRole.Viewer, "readUsageReport", "Adds up usage, by hour or day, as JSON or comma separated values.")
        {
            TenantAdmins = true,
            IsList = true,
            Query = [.. UsageParameters.Describe(OfOperators)],
        },
        "text/csv",
        static call =>
        {
            if (call.Query("tenant") is { } tenant) call.RequireTenant(tenant, "tenant");
            var allowed = call.OnlyTenant is null ? OfOperators : OfTenantAdmins;
            return call.Context.RequestServices.GetRequiredService<UsageReporter>().Answer(call.Context, allowed, call.OnlyTenant);
        });

    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "GET",
        "/cozecluster/v1/usage",
        static context => context.RequestServices.GetRequiredService<UsageReporter>().Answer(context, OfTenants, RequestInfo.TenantIdOf(context)),
        "Usage", "readTenantUsage", "Adds up what the tenant has used, by hour or day.", static operation =>
        {
            operation.Parameters = UsageParameters.Document(OfTenants);
            operation.Responses!.Add("200", Schemas.Json("One page of rows.", Schemas.Usage()));
        });
}
