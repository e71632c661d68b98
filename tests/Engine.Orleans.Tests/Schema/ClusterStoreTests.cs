using System.Security.Cryptography;
using CozeCluster.Engine.Contract;
using CozeCluster.Messages;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>A cluster that takes over what another engine has stored.</summary>
[Collection(TestCluster.Collection)]
public sealed class ClusterStoreTests
{
    private readonly Probe _probe = new();
    private readonly string _service = $"moved-{Guid.NewGuid():n}";

    [Fact(Timeout = 90_000)]
    public async Task Grains_find_their_states_and_reminders_fire()
    {
        var moved = await FillAsync(
            [State("012", """{"Text":"of 012, 保存"}"""), State("12", """{"Text":"of 12"}""")],
            [new MovedReminder("contract.reminded", "r", "tea", TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1))]);

        await using var cluster = await TestCluster.StartAsync(2, ContractGrains.Definitions, services => services.AddSingleton(_probe), options =>
        {
            ContractAdapters.AddTo(options);
            options.ServiceId = _service;
        });

        Assert.Equal(new MovedCounts(2, 1), moved);
        Assert.Equal("of 12", await cluster.Grains.Get<IKeepingGrain>("12").Get());
        Assert.Equal("of 012, 保存", await cluster.Grains.Get<IKeepingGrain>("012").Get());
        await cluster.Grains.Get<IKeepingGrain>("12").Set("changed");
        await _probe.Happened("r tea");
    }

    [Fact]
    public async Task A_store_that_holds_something_takes_nothing_over()
    {
        await FillAsync([State("a", "{}")], []);

        var error = await Assert.ThrowsAsync<ClusterException>(() => FillAsync([State("b", "{}")], []));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
    }

    [Fact]
    public async Task All_is_taken_over_or_nothing()
    {
        await Assert.ThrowsAsync<ClusterException>(() => FillAsync([State("a", "{}"), State("a", "{}")], []));

        Assert.Equal(new MovedCounts(1, 0), await FillAsync([State("a", "{}")], []));
    }

    [Fact]
    public async Task Blobs_are_found_under_their_ids_until_they_expire()
    {
        var big = Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 31)).ToArray();
        var (now, tenant) = (TimeProvider.System.GetUtcNow(), Guid.NewGuid().ToString("n"));
        var moved = await ClusterStore.FillAsync(
            await Clusters.PostgresAsync(), _service, [], [], [Blob(tenant, big, now.AddHours(1)), Blob(tenant, "small"u8.ToArray(), now.AddHours(1)), Blob(tenant, "old"u8.ToArray(), now.AddHours(-1))]);

        Assert.Equal(new MovedCounts(0, 0, 3), moved);
        await using var database = NpgsqlDataSource.Create(await Clusters.PostgresAsync());
        var store = new PostgresBlobStore(database, new OrleansEngineOptions(), TimeProvider.System);
        Assert.Equal(big, await ReadAsync(store, Blob(tenant, big, now).Id));
        // Sent again, it is the same blob.
        Assert.Equal(Blob(tenant, "small"u8.ToArray(), now).Id, (await store.Put(tenant, "a", "text/plain", "small"u8.ToArray(), default)).Id);
        await Assert.ThrowsAsync<ClusterException>(() => ReadAsync(store, Blob(tenant, "old"u8.ToArray(), now).Id));
    }

    [Fact]
    public async Task A_blob_that_is_not_what_its_name_says_moves_nothing()
    {
        var (now, tenant) = (TimeProvider.System.GetUtcNow(), Guid.NewGuid().ToString("n"));
        var good = Blob(tenant, "good"u8.ToArray(), now.AddHours(1));
        var bad = Blob(tenant, "bad"u8.ToArray(), now.AddHours(1)) with { Open = () => new MemoryStream("worse"u8.ToArray()) };

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await ClusterStore.FillAsync(await Clusters.PostgresAsync(), _service, [State("a", "{}")], [], [good, bad]));

        Assert.Contains(bad.Id, error.Message, StringComparison.Ordinal);
        await using var database = NpgsqlDataSource.Create(await Clusters.PostgresAsync());
        await Assert.ThrowsAsync<ClusterException>(() => ReadAsync(new PostgresBlobStore(database, new OrleansEngineOptions(), TimeProvider.System), good.Id));
        Assert.Equal(new MovedCounts(1, 0), await FillAsync([State("a", "{}")], []));
    }

    private static MovedBlob Blob(string tenant, byte[] content, DateTimeOffset expires) => new(
        GrainKeys.Hash("blobs", tenant) + "." + GrainKeys.Encode(SHA256.HashData(content).AsSpan(0, 16)), expires, () => new MemoryStream(content));

    private static async Task<byte[]> ReadAsync(PostgresBlobStore store, string id)
    {
        await using var stream = await store.Open(new BlobRef(id, "text/plain", "a", 1), default);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        return read.ToArray();
    }

    private async Task<MovedCounts> FillAsync(MovedState[] states, MovedReminder[] reminders) =>
        await ClusterStore.FillAsync(await Clusters.PostgresAsync(), _service, states, reminders, []);

    private static MovedState State(string key, string json) => new(ContractGrains.Keeping, key, DateTimeOffset.UnixEpoch, System.Text.Encoding.UTF8.GetBytes(json));
}
