using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Tests.Cluster;

public sealed class DashboardRoutesTests
{
    /// <summary>Another version of the package may bring routes that do more than show something: look at them, see <c>DashboardRoutes</c>, then list them here.</summary>
    [Fact]
    public void The_package_has_no_routes_but_those_that_were_reviewed()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddDashboard());
        using var app = builder.Build();

        app.MapOrleansDashboard("/d");

        Assert.Equal(
            [
                "ClusterStats", "DashboardCounters", "GrainState", "GrainStats/{*grainName}", "GrainTypes", "HistoricalStats/{*path}", "LifecycleStages", "Reminders",
                "Reminders/{page:int}", "SiloCounters/{*address}", "SiloMetadata/{*address}", "SiloProperties/{*address}", "SiloStats/{*address}", "TopGrainMethods", "Trace",
                "favicon.ico", "fonts/{**path}", "img/{**path}", "index.css", "index.html", "index.min.js", "version",
            ],
            ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
                .Select(route => route.RoutePattern.RawText!["/d/".Length..]).Where(path => path.Length > 0).Order(StringComparer.Ordinal));
    }
}
