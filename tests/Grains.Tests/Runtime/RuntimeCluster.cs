using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Two silos with the test grains of this folder, and a client. They use the system clock and have no storage of states.</summary>
public sealed class RuntimeCluster : IAsyncDisposable
{
    private RuntimeCluster(InProcessTestCluster cluster, Probe probe, SentCalls sent) => (Cluster, Probe, Sent) = (cluster, probe, sent);

    public InProcessTestCluster Cluster { get; }

    public Probe Probe { get; }

    /// <summary>The calls that the silos send.</summary>
    public SentCalls Sent { get; }

    public IServiceProvider Client => Cluster.Client.ServiceProvider;

    public static async Task<RuntimeCluster> StartAsync()
    {
        var (probe, sent, fleet) = (new Probe(), new SentCalls(), new MemoryFleetStore());
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(probe);
            silo.Services.AddSingleton<IFleetStore>(fleet);
            silo.Services.AddSingleton<IFleetDocuments, NoDocuments>();
            silo.AddGrains(new ConversationOptions());
            silo.AddOutgoingGrainCallFilter(sent);
            // Detects a killed silo within seconds.
            silo.Configure<ClusterMembershipOptions>(membership =>
            {
                membership.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                membership.NumMissedProbesLimit = 2;
                membership.NumVotesForDeathDeclaration = 1;
            });
        });
        builder.ConfigureClient(client =>
        {
            client.AddGrainCalls();
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(3));
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new RuntimeCluster(cluster, probe, sent);
    }

    public IServiceProvider Silo(int index) => Cluster.Silos[index].ServiceProvider;

    /// <summary>Gets a grain that is active on a silo.</summary>
    public async Task<ICountingGrain> CountingGrainOn(int silo, IGrainFactory factory)
    {
        Probe.Open("open");
        while (true)
        {
            var grain = factory.GetGrain<ICountingGrain>($"k-{Guid.NewGuid():n}");
            if (await grain.WaitIdempotent("open") == Cluster.Silos[silo].SiloAddress.ToString()) return grain;
        }
    }

    /// <summary>Gets a grain that is active on a silo.</summary>
    public async Task<IWorkingGrain> WorkingGrainOn(int silo, IGrainFactory factory)
    {
        while (true)
        {
            var grain = factory.GetGrain<IWorkingGrain>($"k-{Guid.NewGuid():n}");
            await grain.Activation();
            var address = await factory.GetGrain<IManagementGrain>(0).GetActivationAddress(grain);
            if (Cluster.Silos[silo].SiloAddress.Equals(address)) return grain;
        }
    }

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
