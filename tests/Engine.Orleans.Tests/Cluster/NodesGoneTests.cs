using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Everyone hears of silos that go.</summary>
[Collection(TestCluster.Collection)]
public sealed class NodesGoneTests
{
    private const int Hang = 120_000;

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clients_and_other_silos_are_told(bool inAnOrderlyWay)
    {
        await using var cluster = await TestCluster.StartAsync(2, [], _ => { });
        var (toSilo, toClient, toNobody) = (new TaskCompletionSource(), new TaskCompletionSource(), false);
        using var silo = Grains(cluster.Silos[0]).OnNodesGone(() => toSilo.TrySetResult());
        using var client = cluster.Grains.OnNodesGone(() => toClient.TrySetResult());
        cluster.Grains.OnNodesGone(() => toNobody = true)!.Dispose();

        await (inAnOrderlyWay ? cluster.LeaveAsync(cluster.Silos[1]) : cluster.KillAsync(cluster.Silos[1]));

        await toSilo.Task.WaitAsync(TestContext.Current.CancellationToken);
        await toClient.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(toNobody);
    }

    private static IGrains Grains(IHost silo) => silo.Services.GetRequiredService<IGrains>();
}
