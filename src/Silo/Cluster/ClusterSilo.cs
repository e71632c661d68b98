using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using Orleans.Configuration;
using System.Net;

namespace CozeCluster.Silo.Cluster;

/// <summary>A silo of a cluster, with membership, reminders and grain states on PostgreSQL.</summary>
internal static class ClusterSilo
{
    public static ISiloBuilder UseCluster(this ISiloBuilder silo, NodeSettings settings, ClusterSettings cluster, ClusterTls? tls)
    {
        silo.Configure<ClusterOptions>(cluster.Configure);
        silo.Configure<SiloOptions>(options => options.SiloName = $"{Environment.MachineName}-{cluster.SiloPort}");
        // The advertised address may be that of a router, so the silo listens on all addresses, unless the advertised address is loopback.
        var listenOnAllAddresses = !IPAddress.IsLoopback(cluster.AdvertisedAddress);
        silo.ConfigureEndpoints(cluster.AdvertisedAddress, cluster.SiloPort, cluster.ClientPort, listenOnAnyHostAddress: listenOnAllAddresses);
        silo.Configure<ClusterMembershipOptions>(DetectFailuresFast);
        // The default grain directory has two defects: a silo that fails takes the entries that it held for grains of other silos with it,
        // and while silos join and leave it may register two activations of one grain.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // By default, Orleans activates no grain of a failed silo for half a minute, in case the silo is still running. This project does not need that:
        // if a grain has two activations, the version of its stored state decides between them. So replies continue at once.
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        silo.UseAdoNetClustering(table =>
        {
            table.Invariant = ClusterSettings.Invariant;
            table.ConnectionString = ConnectionStrings.WithDefaults(cluster.Postgres);
        });
        tls?.Secure(silo);
        return silo.AddPostgresStorage(storage =>
        {
            storage.ConnectionString = cluster.Postgres;
            storage.SavesWaitForDisk = settings.Durability == Durability.Machine;
        });
    }

    // After a silo is killed, its grains are unavailable for 1.3 s with these values, and for 12 s with Orleans' defaults.
    private static void DetectFailuresFast(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);
        membership.NumMissedProbesLimit = 3;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
    }
}

/// <summary>Publishes to <see cref="SiloDepartures"/> when other silos stop or are declared dead.</summary>
internal sealed class MembershipMonitor(IClusterMembershipService membership, SiloDepartures departures) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var previous = membership.CurrentSnapshot;
        await foreach (var current in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            // The status of a silo that stops in order changes twice, and its grains deactivate in between.
            if (previous.Members.Values.Any(silo => HasStartedToTerminate(silo, current))) departures.Publish();
            previous = current;
        }
    }

    private static bool HasStartedToTerminate(ClusterMember silo, ClusterMembershipSnapshot current) =>
        current.GetSiloStatus(silo.SiloAddress) is var status && status != silo.Status && status.IsTerminating();
}
