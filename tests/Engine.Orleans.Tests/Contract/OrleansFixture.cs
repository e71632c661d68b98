using CozeCluster.Engine.Contract;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>The Orleans engine under the contract suite.</summary>
public sealed class OrleansFixture() : OrleansFixture<OrleansFixture>;

/// <summary>The same, with a cluster per <typeparamref name="TGroup"/> of tests.</summary>
public class OrleansFixture<TGroup>() : EngineFixture(Probes)
{
    private static readonly Probe Probes = new();
    private static TestCluster? s_cluster;

    public override IGrains Grains => Cluster.Grains;

    private static TestCluster Cluster => s_cluster ?? throw new InvalidOperationException("Not started.");

    public override async Task StartAsync() => s_cluster ??= await TestCluster.StartAsync(
        2, ContractGrains.Definitions, services => services.AddSingleton(Probes), ContractAdapters.AddTo);

    public override Task RestartAsync() => Cluster.RestartAsync();

    public override Task PassAsync(TimeSpan time) => Task.Delay(time);

    public override Task CollectIdleAsync() => Cluster.CollectIdleAsync();

    public override async Task OverwriteAsync(string kind, string key)
    {
        await using var source = NpgsqlDataSource.Create(Cluster.ConnectionString);
        await using var command = source.CreateCommand("UPDATE OrleansStorage SET Version = Version + 1 WHERE GrainTypeString = $1 AND GrainIdExtensionString = $2");
        command.Parameters.Add(new() { Value = kind });
        command.Parameters.Add(new() { Value = "=" + key });
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    // The cluster stays for the next test; the assembly ends it.
    public override ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
