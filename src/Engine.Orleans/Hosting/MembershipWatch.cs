using Microsoft.Extensions.Hosting;

namespace CozeCluster.Engine.Orleans;

/// <summary>Tells this silo's process of others that stop or are evicted.</summary>
internal sealed class MembershipWatch(IClusterMembershipService membership, GoneNodes nodes) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = membership.CurrentSnapshot;
        await foreach (var now in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            // More than once for one that stops in an orderly way: its grains leave it in between.
            if (known.Members.Values.Any(silo => now.GetSiloStatus(silo.SiloAddress) is var status && status != silo.Status && status.IsTerminating())) nodes.Tell();
            known = now;
        }
    }
}
