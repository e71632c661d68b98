using CozeCluster.Silo.Hosting;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace CozeCluster.Silo.Cluster;

/// <summary>Adds Orleans to the node: a single silo, a silo of a cluster, or a client of a cluster.</summary>
internal static class NodeOrleans
{
    /// <summary>The timeout of calls between silos. It must be longer than the 15 s during which rejected calls are retried.</summary>
    private static readonly TimeSpan SiloTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The timeout of calls of a gateway. Orleans does not report to a client that the silo of a grain has failed. Calls to such a grain fail with this
    /// timeout, and idempotent calls are then retried.
    /// </summary>
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds the hosted services of Orleans. Hosted services that call grains must be added after them, so that they start later and stop earlier.
    /// </summary>
    /// <exception cref="StartException">The certificate of the cluster cannot be used.</exception>
    public static void AddOrleans(this WebApplicationBuilder builder, NodeSettings settings)
    {
        if (settings.Cluster is not { } cluster) builder.UseOrleans(silo => silo.UseSingleNode(settings).UseGrains(settings));
        else if (cluster.Role == NodeRole.Gateway) builder.AddClient(settings, cluster);
        else builder.AddSilo(settings, cluster);
    }

    private static void AddSilo(this WebApplicationBuilder builder, NodeSettings settings, ClusterSettings cluster)
    {
        var tls = ClusterTls.Load(cluster.Certificate);
        builder.UseOrleans(silo => silo.UseCluster(settings, cluster, tls).UseGrains(settings));
        builder.Services.AddHostedService<MembershipMonitor>();
    }

    private static void UseGrains(this ISiloBuilder silo, NodeSettings settings)
    {
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = SiloTimeout);
        silo.AddGrains(settings.Conversations);
        silo.AddCallTracing(settings);
        if (settings.Dashboard) silo.AddDashboard(DashboardRoutes.Configure);
    }

    private static void AddClient(this WebApplicationBuilder builder, NodeSettings settings, ClusterSettings cluster)
    {
        var tls = ClusterTls.Load(cluster.Certificate);
        builder.UseOrleansClient(client =>
        {
            client.UseCluster(cluster, tls).AddGrainCalls();
            client.AddCallTracing(settings);
            client.Configure<ClientMessagingOptions>(messaging =>
            {
                messaging.ResponseTimeout = ClientTimeout;
                messaging.CancelRequestOnTimeout = true;
            });
            if (settings.Dashboard) client.AddDashboard(DashboardRoutes.Configure);
        });
        // While the client waits for a silo, the node already serves HTTP and reports that it is not ready.
        builder.Services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
    }
}
