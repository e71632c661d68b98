using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using Orleans.Configuration;
using System.Net;

namespace CozeCluster.Silo.Cluster;

/// <summary>A silo of a cluster: membership, reminders and states on PostgreSQL.</summary>
internal static class ClusterSilo
{
    public static ISiloBuilder UseClusterSilo(this ISiloBuilder silo, NodeSettings settings, ClusterSettings cluster, NodeTls? tls)
    {
        silo.Configure<ClusterOptions>(cluster.Name);
        silo.Configure<SiloOptions>(own => own.SiloName = $"{Environment.MachineName}-{cluster.SiloPort}");
        // The advertised address may be that of a router, so the silo listens on all addresses unless it is loopback.
        silo.ConfigureEndpoints(cluster.AdvertisedAddress, cluster.SiloPort, cluster.GatewayPort, listenOnAnyHostAddress: !IPAddress.IsLoopback(cluster.AdvertisedAddress));
        silo.Configure<ClusterMembershipOptions>(DetectFailuresFast);
        // The default directory loses the entries that a failed silo kept of grains of other silos, and may list two activations of one grain while silos join and leave.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // Orleans would activate none of the grains of a failed silo for half a minute, in case that the silo still runs. Here the versions of stored states decide between two
        // activations of a grain, so that replies continue at once.
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        silo.UseAdoNetClustering(table => (table.Invariant, table.ConnectionString) = (ClusterSettings.Invariant, ConnectionStrings.WithDefaults(cluster.Postgres)));
        tls?.Secure(silo);
        return silo.AddPostgresStorage(storage =>
        {
            storage.ConnectionString = cluster.Postgres;
            storage.SavesWaitForDisk = settings.Durability == Durability.Machine;
        });
    }

    // With Orleans' defaults the grains of a killed silo were unavailable for 12 s, with these values for 1.3 s.
    private static void DetectFailuresFast(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);
        membership.NumMissedProbesLimit = 3;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
    }
}
