using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Tests.Cluster;

public sealed class DashboardRoutesTests
{
    /// <summary>
    /// A new version of the package may add routes that change something. Review new routes (see <c>DashboardRoutes</c>) before you add them here.
    /// </summary>
    [Fact]
    public void The_package_has_only_reviewed_routes()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddDashboard());
        using var app = builder.Build();

        app.MapOrleansDashboard("/d");

        Assert.Equal(
            [
                "ClusterStats", "DashboardCounters", "GrainState", "GrainStats/{*grainName}", "GrainTypes", "HistoricalStats/{*path}",
                "LifecycleStages", "Reminders", "Reminders/{page:int}", "SiloCounters/{*address}", "SiloMetadata/{*address}",
                "SiloProperties/{*address}", "SiloStats/{*address}", "TopGrainMethods", "Trace", "favicon.ico", "fonts/{**path}",
                "img/{**path}", "index.css", "index.html", "index.min.js", "version",
            ],
            ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
                .Select(route => route.RoutePattern.RawText!["/d/".Length..]).Where(path => path.Length > 0).Order(StringComparer.Ordinal));
    }
}
