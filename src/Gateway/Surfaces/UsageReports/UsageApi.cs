using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary><c>GET /cozecluster/v1/usage</c>: a tenant reads what it has used. Accounts and bots are those of the operator, so it does not see them.</summary>
internal static class UsageApi
{
    private const UsageDimensions OfTenants = UsageDimensions.Key | UsageDimensions.User | UsageDimensions.Model;

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
