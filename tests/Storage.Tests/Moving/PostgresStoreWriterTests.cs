using System.Security.Cryptography;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class PostgresStoreWriterTests
{
    private readonly string _service = $"moved-{Guid.NewGuid():n}";

    [Fact(Timeout = 120_000)]
    public async Task A_cluster_finds_all_that_a_node_has_stored_and_its_reminders_fire()
    {
        var database = await TestPostgres.ConnectionStringAsync();
        await using var node = new SqliteSilo();
        await node.StartAsync();
        foreach (var key in (string[])["12", "012"]) await node.Grains.GetGrain<IKeptGrain>(key).Set($"of {key}, 保存");
        await node.Grains.GetGrain<IKeptGrain>("r").Remind("tea", TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));
        await node.StopAsync();

        using (var store = SqliteStoreReader.Open(node.DataDirectory))
        {
            var moved = await PostgresStoreWriter.FillAsync(database, _service, store.ReadStates(), store.ReadReminders(), store.ReadBlobs());
            Assert.Equal(new MovedCounts(2, 1), moved);
        }

        await using var cluster = new PostgresSilo { ServiceId = _service };
        await cluster.StartAsync();
        Assert.Equal("of 12, 保存", await cluster.Grains.GetGrain<IKeptGrain>("12").Get());
        Assert.Equal("of 012, 保存", await cluster.Grains.GetGrain<IKeptGrain>("012").Get());
        await cluster.Grains.GetGrain<IKeptGrain>("12").Set("changed");
        await cluster.Probe.Happened("r tea");
        Assert.True(await cluster.Grains.GetGrain<IKeptGrain>("r").Forget("tea"));
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
        var moved = await PostgresStoreWriter.FillAsync(
            await TestPostgres.ConnectionStringAsync(),
            _service,
            [],
            [],
            [Blob(tenant, big, now.AddHours(1)), Blob(tenant, "small"u8.ToArray(), now.AddHours(1)), Blob(tenant, "old"u8.ToArray(), now.AddHours(-1))]);

        Assert.Equal(new MovedCounts(0, 0, 3), moved);
        var options = new PostgresStorageOptions { ConnectionString = await TestPostgres.ConnectionStringAsync() };
        await using var database = new PostgresDatabase(options);
        var store = new PostgresBlobStore(database, options, TimeProvider.System);
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

        var error = await Assert.ThrowsAsync<ClusterException>(
            async () => await PostgresStoreWriter.FillAsync(await TestPostgres.ConnectionStringAsync(), _service, [State("a", "{}")], [], [good, bad]));

        Assert.Contains(bad.Id, error.Message, StringComparison.Ordinal);
        var options = new PostgresStorageOptions { ConnectionString = await TestPostgres.ConnectionStringAsync() };
        await using var database = new PostgresDatabase(options);
        await Assert.ThrowsAsync<ClusterException>(() => ReadAsync(new PostgresBlobStore(database, options, TimeProvider.System), good.Id));
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
        await PostgresStoreWriter.FillAsync(await TestPostgres.ConnectionStringAsync(), _service, states, reminders, []);

    private static MovedState State(string key, string json) => new("kept", key, DateTimeOffset.UnixEpoch, System.Text.Encoding.UTF8.GetBytes(json));
}
