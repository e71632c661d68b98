using System.Collections.Concurrent;
using CozeCluster.TestKit;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>The database of all tests, and every cluster on it; ended with the tests.</summary>
public sealed class Clusters : IAsyncDisposable
{
    private static readonly ConcurrentBag<TestCluster> All = [];
    private static readonly Lazy<Task<PrivatePostgres>> Postgres = new(async () =>
    {
        var postgres = await PrivatePostgres.StartAsync();
        await ClusterSchema.ApplyAsync(postgres.ConnectionString);
        return postgres;
    });

    /// <summary>The connection string of the database, schema applied.</summary>
    public static async Task<string> PostgresAsync() => (await Postgres.Value).ConnectionString;

    public static void Add(TestCluster cluster) => All.Add(cluster);

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in All) await cluster.DisposeAsync();
        if (Postgres.IsValueCreated) await (await Postgres.Value).DisposeAsync();
    }
}
