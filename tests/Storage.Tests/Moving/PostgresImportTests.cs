using System.Security.Cryptography;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class PostgresImportTests
{
    private readonly string _service = $"moved-{Guid.NewGuid():n}";

    [Fact(Timeout = 120_000)]
    public async Task A_cluster_reads_what_a_node_has_stored_and_its_reminders_fire()
    {
        var database = await TestPostgres.ConnectionStringAsync();
        await using var node = new SqliteSilo();
        await node.StartAsync();
        foreach (var key in (string[])["12", "012"]) await node.Grains.GetGrain<ITestGrain>(key).Set($"of {key}, 保存");
        await node.Grains.GetGrain<ITestGrain>("r").Remind("tea", TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));
        await node.StopAsync();

        using (var export = SqliteExport.Open(node.DataDirectory))
        {
            var counts = await PostgresImport.RunAsync(database, _service, export.ReadStates(), export.ReadReminders(), export.ReadBlobs());
            Assert.Equal(new ImportCounts(2, 1), counts);
        }

        await using var cluster = new PostgresSilo { ServiceId = _service };
        await cluster.StartAsync();
        Assert.Equal("of 12, 保存", await cluster.Grains.GetGrain<ITestGrain>("12").Get());
        Assert.Equal("of 012, 保存", await cluster.Grains.GetGrain<ITestGrain>("012").Get());
        await cluster.Grains.GetGrain<ITestGrain>("12").Set("changed");
        await cluster.Events.WaitFor("r tea");
        Assert.True(await cluster.Grains.GetGrain<ITestGrain>("r").Unremind("tea"));
    }

    [Fact]
    public async Task A_cluster_with_stored_states_is_refused()
    {
        await RunImportAsync([State("a", "{}")], []);

        var error = await Assert.ThrowsAsync<ClusterException>(() => RunImportAsync([State("b", "{}")], []));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
    }

    [Fact]
    public async Task Everything_is_imported_or_nothing()
    {
        await Assert.ThrowsAsync<ClusterException>(() => RunImportAsync([State("a", "{}"), State("a", "{}")], []));

        Assert.Equal(new ImportCounts(1, 0), await RunImportAsync([State("a", "{}")], []));
    }

    [Fact]
    public async Task Blobs_can_be_opened_by_their_ids_until_they_expire()
    {
        var big = Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 31)).ToArray();
        var (now, tenant) = (TimeProvider.System.GetUtcNow(), Guid.NewGuid().ToString("n"));
        var counts = await PostgresImport.RunAsync(
            await TestPostgres.ConnectionStringAsync(),
            _service,
            [],
            [],
            [
                Blob(tenant, big, now.AddHours(1)),
                Blob(tenant, "small"u8.ToArray(), now.AddHours(1)),
                Blob(tenant, "old"u8.ToArray(), now.AddHours(-1)),
            ]);

        Assert.Equal(new ImportCounts(0, 0, 3), counts);
        var options = new PostgresStorageOptions { ConnectionString = await TestPostgres.ConnectionStringAsync() };
        await using var database = new PostgresDatabase(options);
        var store = new PostgresBlobStore(database, options, TimeProvider.System);
        Assert.Equal(big, await ReadAsync(store, Blob(tenant, big, now).Id));
        // The same content is still the same blob.
        Assert.Equal(Blob(tenant, "small"u8.ToArray(), now).Id, (await store.Put(tenant, "a", "text/plain", "small"u8.ToArray(), default)).Id);
        await Assert.ThrowsAsync<ClusterException>(() => ReadAsync(store, Blob(tenant, "old"u8.ToArray(), now).Id));
    }

    [Fact]
    public async Task A_blob_whose_content_differs_from_its_id_fails_the_import()
    {
        var (now, tenant) = (TimeProvider.System.GetUtcNow(), Guid.NewGuid().ToString("n"));
        var good = Blob(tenant, "good"u8.ToArray(), now.AddHours(1));
        var bad = Blob(tenant, "bad"u8.ToArray(), now.AddHours(1)) with { Open = () => new MemoryStream("worse"u8.ToArray()) };

        var error = await Assert.ThrowsAsync<ClusterException>(
            async () => await PostgresImport.RunAsync(await TestPostgres.ConnectionStringAsync(), _service, [State("a", "{}")], [], [good, bad]));

        Assert.Contains(bad.Id, error.Message, StringComparison.Ordinal);
        var options = new PostgresStorageOptions { ConnectionString = await TestPostgres.ConnectionStringAsync() };
        await using var database = new PostgresDatabase(options);
        await Assert.ThrowsAsync<ClusterException>(() => ReadAsync(new PostgresBlobStore(database, options, TimeProvider.System), good.Id));
        Assert.Equal(new ImportCounts(1, 0), await RunImportAsync([State("a", "{}")], []));
    }

    private static ExportedBlob Blob(string tenant, byte[] content, DateTimeOffset expires) => new(
        GrainKeys.Hash("blobs", tenant) + "." + GrainKeys.Encode(SHA256.HashData(content).AsSpan(0, 16)), expires, () => new MemoryStream(content));

    private static async Task<byte[]> ReadAsync(PostgresBlobStore store, string id)
    {
        await using var stream = await store.Open(new BlobRef(id, "text/plain", "a", 1), default);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        return read.ToArray();
    }

    private async Task<ImportCounts> RunImportAsync(ExportedState[] states, ExportedReminder[] reminders) =>
        await PostgresImport.RunAsync(await TestPostgres.ConnectionStringAsync(), _service, states, reminders, []);

    private static ExportedState State(string key, string json) => new("test", key, DateTimeOffset.UnixEpoch, System.Text.Encoding.UTF8.GetBytes(json));
}
