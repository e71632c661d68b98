using CozeCluster.Gateway;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Cluster;

/// <summary>
/// Serves the Orleans dashboard at <c>/dashboard</c> to administrators. Its routes are mapped at the first request of an administrator, because mapping
/// compresses all files of the dashboard. That takes half a second, and memory that a node without such requests does not need.
/// </summary>
internal sealed class DashboardRoutes : EndpointDataSource
{
    private const string Prefix = "/dashboard";

    private readonly Lock _gate = new();
    private readonly IServiceProvider _services;
    private readonly CancellationTokenSource _allMapped = new();
    private IReadOnlyList<Endpoint> _endpoints;

    private DashboardRoutes(IServiceProvider services)
    {
        _services = services;
        var routes = new Routes(services);
        routes.MapGet(Prefix + "/{**path}", (RequestDelegate)MapAndRedirect).RequireViewer().ExcludeFromDescription();
        _endpoints = routes.Endpoints;
    }

    public override IReadOnlyList<Endpoint> Endpoints => _endpoints;

    /// <summary>Adds the dashboard to an application. Orleans' services of the dashboard must be registered.</summary>
    public static void Map(WebApplication app) => ((IEndpointRouteBuilder)app).DataSources.Add(new DashboardRoutes(app.Services));

    public static void Configure(DashboardOptions dashboard)
    {
        // Without this, an open stream of log lines would prevent the node from stopping.
        dashboard.HideTrace = true;
        // Each sample takes a few milliseconds on every silo, even while nobody uses the dashboard.
        dashboard.CounterUpdateIntervalMs = 5000;
    }

    public override IChangeToken GetChangeToken() =>
        _allMapped.IsCancellationRequested ? NullChangeToken.Singleton : new CancellationChangeToken(_allMapped.Token);

    private Task MapAndRedirect(HttpContext context)
    {
        lock (_gate)
        {
            if (!_allMapped.IsCancellationRequested) MapAll();
        }
        context.Response.Redirect(context.Request.GetEncodedPathAndQuery());
        return Task.CompletedTask;
    }

    private void MapAll()
    {
        var routes = new Routes(_services);
        routes.MapOrleansDashboard(Prefix).RequireViewer().ExcludeFromDescription();
        _endpoints = [.. routes.Endpoints.Where(endpoint => !CallsGrains(endpoint))];
        _allMapped.Cancel();
    }

    // This route is not served: it calls any parameterless method of any grain, to show its result.
    private static bool CallsGrains(Endpoint endpoint) =>
        endpoint is RouteEndpoint route && route.RoutePattern.RawText?.EndsWith("/GrainState", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Collects routes without adding them to the application.</summary>
    private sealed class Routes(IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IReadOnlyList<Endpoint> Endpoints => [.. DataSources.SelectMany(source => source.Endpoints)];

        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
    }
}
