using CozeCluster.Silo.Hosting;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Cluster;

/// <summary>Runs Orleans in this process: as a silo that is alone, as a silo of a cluster, or as a client of one.</summary>
internal static class NodeOrleans
{
    /// <summary>The timeout of calls between silos. It must be longer than the 15 s for which calls are sent again.</summary>
    private static readonly TimeSpan SiloTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The timeout of calls of a gateway. Orleans does not report to a client that the silo of a grain has failed: calls to it end with this timeout, and idempotent ones are sent
    /// again.
    /// </summary>
    private static readonly TimeSpan GatewayTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Adds Orleans' hosted services. Whatever hosted service calls grains is added after them, so that it starts later and stops earlier.</summary>
    /// <exception cref="StartException">The cluster's certificate cannot be used.</exception>
    public static void AddOrleans(this WebApplicationBuilder builder, NodeSettings settings)
    {
        if (settings.Cluster is not { } cluster) builder.UseOrleans(silo => silo.UseSingleNode(settings).UseGrains(settings));
        else if (cluster.Role == NodeRole.Gateway) builder.AddGateway(settings, cluster);
        else builder.AddSilo(settings, cluster);
    }

    private static void AddSilo(this WebApplicationBuilder builder, NodeSettings settings, ClusterSettings cluster)
    {
        var tls = NodeTls.From(cluster.Certificate);
        builder.UseOrleans(silo => silo.UseClusterSilo(settings, cluster, tls).UseGrains(settings));
        builder.Services.AddHostedService<MembershipWatch>();
    }

    private static void UseGrains(this ISiloBuilder silo, NodeSettings settings)
    {
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = SiloTimeout);
        silo.AddGrains(settings.Conversations);
        if (settings.Dashboard) silo.AddDashboard(DashboardRoutes.Configure);
    }

    private static void AddGateway(this WebApplicationBuilder builder, NodeSettings settings, ClusterSettings cluster)
    {
        var tls = NodeTls.From(cluster.Certificate);
        builder.UseOrleansClient(client =>
        {
            client.UseClusterGateway(cluster, tls).AddGrainCalls();
            client.Configure<ClientMessagingOptions>(messaging =>
            {
                messaging.ResponseTimeout = GatewayTimeout;
                messaging.CancelRequestOnTimeout = true;
            });
            if (settings.Dashboard) client.AddDashboard(DashboardRoutes.Configure);
        });
        // The node serves HTTP, and reports that it is not ready, while the client waits for a silo.
        builder.Services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
    }
}
