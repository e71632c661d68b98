namespace CozeCluster.Storage.Tests.Moving;

public sealed class PostgresTargetTests
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

        var counts = await SampleRows.CopyAsync(
            SqliteSource.OpenExclusive(node.DataDirectory, TimeProvider.System), await PostgresTarget.OpenAsync(database, _service));

        Assert.Equal((2, 1), (counts[RowKind.State], counts[RowKind.Reminder]));
        await using var cluster = new PostgresSilo { ServiceId = _service };
        await cluster.StartAsync();
        Assert.Equal("of 12, 保存", await cluster.Grains.GetGrain<ITestGrain>("12").Get());
        Assert.Equal("of 012, 保存", await cluster.Grains.GetGrain<ITestGrain>("012").Get());
        await cluster.Grains.GetGrain<ITestGrain>("12").Set("changed");
        await cluster.Events.WaitFor("r tea");
        Assert.True(await cluster.Grains.GetGrain<ITestGrain>("r").Unremind("tea"));
    }

    [Fact]
    public async Task Open_ClusterHasStoredSomething_IsRefused()
    {
        await CopyAsync([SampleRows.State("test", "a", "{}")]);

        var error = await Assert.ThrowsAsync<ClusterException>(() => CopyAsync([SampleRows.State("test", "b", "{}")]));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Contains($"The cluster {_service} has stored something already", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NodesRun_IsRefused()
    {
        var database = await TestPostgres.ConnectionStringAsync();
        await TestPostgres.ExecuteAsync(database, $"""
            INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES ('{_service}');
            INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
            VALUES ('{_service}', '127.0.0.1', 1, 1, 'a', 'a', 3, 1, now(), now())
            """);

        var error = await Assert.ThrowsAsync<ClusterException>(() => CopyAsync([SampleRows.State("test", "a", "{}")]));

        Assert.Contains("Stop them first", error.Message, StringComparison.Ordinal);
        await TestPostgres.ExecuteAsync(
            database, $"UPDATE OrleansMembershipTable SET IAmAliveTime = now() - interval '1 hour' WHERE DeploymentId = '{_service}'");
        await CopyAsync([SampleRows.State("test", "a", "{}")]);
    }

    [Fact]
    public async Task Copy_Fails_LeavesNothing()
    {
        var blob = SampleRows.Blob(_service, "blob"u8);
        await Assert.ThrowsAsync<ClusterException>(async () => await SampleRows.CopyAsync(
            MemorySource.Failing([SampleRows.State("test", "a", "{}"), blob]),
            await PostgresTarget.OpenAsync(await TestPostgres.ConnectionStringAsync(), _service)));
        await Assert.ThrowsAsync<ClusterException>(() => CopyAsync([SampleRows.State("test", "a", "{}"), SampleRows.State("test", "a", "{}")]));

        var database = await TestPostgres.ConnectionStringAsync();
        var error = await Assert.ThrowsAsync<ClusterException>(() => PostgresSource.OpenAsync(database, _service, TimeProvider.System));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        Assert.Equal(0L, await TestPostgres.ScalarAsync(database, $"SELECT count(*) FROM CozeBlobs WHERE Id = '{blob["id"]}'"));
    }

    [Fact]
    public async Task Copy_BlobThatAnotherClusterHasStored_KeepsTheLaterExpiry()
    {
        var database = await TestPostgres.ConnectionStringAsync();
        var blob = SampleRows.Blob(_service, "shared"u8);
        var expiresAt = (long)blob["expires_at"]!;
        await CopyAsync([SampleRows.State("test", "a", "{}"), blob.With("expires_at", expiresAt + 5)]);

        await SampleRows.CopyAsync(new MemorySource([blob]), await PostgresTarget.OpenAsync(database, _service + "2"));

        var stored = (DateTime)(await TestPostgres.ScalarAsync(database, $"SELECT ExpiresOn FROM CozeBlobs WHERE Id = '{blob["id"]}'"))!;
        Assert.Equal(expiresAt + 5, new DateTimeOffset(stored).ToUnixTimeMilliseconds());
    }

    [Theory]
    [InlineData(1L << 61)]
    [InlineData(0L)]
    public void Adapt_VersionThatOrleansTablesCannotContain_BecomesOneThatTheyCan(long version) =>
        Assert.InRange((long)PostgresTables.Adapt(SampleRows.State("test", "a", "{}", version))["version"]!, 1, int.MaxValue);

    [Fact]
    public async Task Source_NodesWriteMeanwhile_ReadsOneMoment()
    {
        await using var cluster = new PostgresSilo { ServiceId = _service };
        if (!cluster.IsAvailable) Assert.Skip(TestPostgres.NotInstalled);
        await cluster.StartAsync();
        await cluster.Grains.GetGrain<ITestGrain>("a").Set("before");
        await using var source = await PostgresSource.OpenAsync(cluster.ConnectionString, _service, TimeProvider.System);

        await cluster.Grains.GetGrain<ITestGrain>("a").Set("after");
        await cluster.Grains.GetGrain<ITestGrain>("b").Set("after");

        var state = Assert.Single(await source.ReadAsync(default).Where(row => row.Kind == RowKind.State).ToListAsync());
        Assert.Equal("""{"Text":"before"}""", System.Text.Encoding.UTF8.GetString((byte[])state["payload"]!));
    }

    private async Task CopyAsync(StoredRow[] rows) =>
        await SampleRows.CopyAsync(new MemorySource(rows), await PostgresTarget.OpenAsync(await TestPostgres.ConnectionStringAsync(), _service));
}
