using CozeCluster.Engine.Orleans;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Dashboard;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The Orleans dashboard, for operators.</summary>
public static class ClusterDashboard
{
    /// <summary>Maps the dashboard. <see cref="OrleansEngineOptions.Dashboard"/> must be on. It shows everything: let operators in, and nobody else.</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="prefix">What its paths begin with, such as <c>/dashboard</c>.</param>
    public static IEndpointConventionBuilder MapClusterDashboard(this IEndpointRouteBuilder routes, string prefix) => routes.MapOrleansDashboard(prefix);

    internal static void UseDashboard(this ISiloBuilder builder, OrleansEngineOptions options)
    {
        if (!options.Dashboard) return;
        builder.AddDashboard(Configure);
        // Otherwise calls are counted only while somebody looks.
        builder.Services.Configure<GrainProfilerOptions>(profiler => profiler.TraceAlways = true);
    }

    internal static void UseDashboard(this IClientBuilder builder, OrleansEngineOptions options)
    {
        if (options.Dashboard) builder.AddDashboard(Configure);
    }

    // Its stream of log lines would hold a node back that is to stop, and tells less than the logs.
    private static void Configure(DashboardOptions dashboard) => dashboard.HideTrace = true;
}
