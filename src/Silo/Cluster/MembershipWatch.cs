namespace CozeCluster.Silo.Cluster;

/// <summary>Publishes to <see cref="SiloDepartures"/> that other silos stop, or are declared dead.</summary>
internal sealed class MembershipWatch(IClusterMembershipService membership, SiloDepartures departures) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = membership.CurrentSnapshot;
        await foreach (var now in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            // A silo that stops in an orderly way changes its status twice; its grains deactivate in between.
            if (known.Members.Values.Any(silo => now.GetSiloStatus(silo.SiloAddress) is var status && status != silo.Status && status.IsTerminating())) departures.Publish();
            known = now;
        }
    }
}
