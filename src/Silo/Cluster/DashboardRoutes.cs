using CozeCluster.Gateway;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Cluster;

/// <summary>
/// The Orleans dashboard at <c>/dashboard</c>, for administrators. It is mapped by the first request of one: mapping compresses all its files, which takes half a second and
/// memory that a node nobody looks at does not need.
/// </summary>
internal sealed class DashboardRoutes : EndpointDataSource
{
    private const string Prefix = "/dashboard";

    private readonly Lock _gate = new();
    private readonly IServiceProvider _services;
    private readonly CancellationTokenSource _mapped = new();
    private IReadOnlyList<Endpoint> _endpoints;

    private DashboardRoutes(IServiceProvider services)
    {
        _services = services;
        var routes = new Routes(services);
        routes.MapGet(Prefix + "/{**path}", (RequestDelegate)Open).RequireAdmin().ExcludeFromDescription();
        _endpoints = routes.Endpoints;
    }

    public override IReadOnlyList<Endpoint> Endpoints => _endpoints;

    /// <summary>Adds the dashboard to an application with <see cref="DashboardOptions"/> registered.</summary>
    public static void Map(WebApplication app) => ((IEndpointRouteBuilder)app).DataSources.Add(new DashboardRoutes(app.Services));

    public static void Configure(DashboardOptions dashboard)
    {
        // Its stream of log lines would keep a node from stopping, and shows less than the logs.
        dashboard.HideTrace = true;
        // Each sample costs every silo a few milliseconds, whether or not anybody looks.
        dashboard.CounterUpdateIntervalMs = 5000;
    }

    public override IChangeToken GetChangeToken() => _mapped.IsCancellationRequested ? NullChangeToken.Singleton : new CancellationChangeToken(_mapped.Token);

    private Task Open(HttpContext context)
    {
        lock (_gate)
        {
            if (!_mapped.IsCancellationRequested) MapAll();
        }
        context.Response.Redirect(context.Request.GetEncodedPathAndQuery());
        return Task.CompletedTask;
    }

    private void MapAll()
    {
        var routes = new Routes(_services);
        routes.MapOrleansDashboard(Prefix).RequireAdmin().ExcludeFromDescription();
        _endpoints = [.. routes.Endpoints.Where(endpoint => !CallsGrains(endpoint))];
        _mapped.Cancel();
    }

    // This route calls any method of a grain that has no parameters, to show its result.
    private static bool CallsGrains(Endpoint endpoint) =>
        endpoint is RouteEndpoint route && route.RoutePattern.RawText?.EndsWith("/GrainState", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Collects routes that the application does not have yet.</summary>
    private sealed class Routes(IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IReadOnlyList<Endpoint> Endpoints => [.. DataSources.SelectMany(source => source.Endpoints)];

        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
    }
}
