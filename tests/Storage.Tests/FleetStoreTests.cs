using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>Behavior that both fleet stores must have.</summary>
public abstract class FleetStoreTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private static readonly CancellationToken None = CancellationToken.None;

    private IFleetStore Store => Silo.Services.GetRequiredService<IFleetStore>();

    [Fact]
    public async Task Commit_ThenRead_ReturnsRowsByKindAndId()
    {
        var version = await Store.ReadVersion(None);

        await Store.Commit(version, version + 1, [Row(FleetRowKind.Bot, "b", "bot", version + 1), Row(FleetRowKind.Key, "z"), Row(FleetRowKind.Key, "é 保"),
            Row(FleetRowKind.Key, "A")]);

        Assert.Equal(version + 1, await Store.ReadVersion(None));
        var rows = await ReadAll(2);
        Assert.Equal(["Key A", "Key z", "Key é 保", "Bot b"], rows.Select(row => $"{row.Kind} {row.Id}"));
        Assert.Equal(("bot", version + 1), (Encoding.UTF8.GetString(rows[^1].Payload!), rows[^1].Version));
        await Clear();
    }

    [Fact]
    public async Task Commit_RowsThatExistOrHaveNoPayload_ReplacesAndDeletesThem()
    {
        var version = await Store.ReadVersion(None);
        await Store.Commit(version, version + 1, [Row(FleetRowKind.Key, "kept"), Row(FleetRowKind.Key, "changed"), Row(FleetRowKind.Key, "deleted")]);

        await Store.Commit(version + 1, version + 2, [Row(FleetRowKind.Key, "changed", "new"), new FleetRow(FleetRowKind.Key, "deleted", version + 2, null)]);

        Assert.Equal(["changed new", "kept text"], (await ReadAll(10)).Select(row => $"{row.Id} {Encoding.UTF8.GetString(row.Payload!)}"));
        await Clear();
    }

    [Fact]
    public async Task Commit_AnotherVersionIsStored_WritesNothing()
    {
        var version = await Store.ReadVersion(None);
        await Store.Commit(version, version + 1, [Row(FleetRowKind.Key, "k")]);

        foreach (var expected in (long[])[version, version + 2, 0])
        {
            var error = await Assert.ThrowsAsync<ClusterException>(() => Store.Commit(expected, version + 9, [Row(FleetRowKind.Key, "k", "lost")]));
            Assert.Equal(ErrorCode.StateConflict, error.Code);
        }

        Assert.Equal(version + 1, await Store.ReadVersion(None));
        Assert.Equal("text", Encoding.UTF8.GetString(Assert.Single(await ReadAll(10)).Payload!));
        await Clear();
    }

    [Fact]
    public async Task Commit_OnlyTheVersion_IsStoredAndSurvivesARestart()
    {
        var version = await Store.ReadVersion(None);
        await Store.Commit(version, version + 1, []);

        await Silo.RestartAsync();

        Assert.Equal(version + 1, await Store.ReadVersion(None));
        Assert.Empty(await ReadAll(10));
    }

    [Fact]
    public async Task Commit_FromTwoActivations_OneWins()
    {
        var version = await Store.ReadVersion(None);

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await Store.Commit(version, version + 1, [Row(FleetRowKind.Key, "k", $"{i}")]);
                return true;
            }
            catch (ClusterException exception) when (exception.Code == ErrorCode.StateConflict)
            {
                return false;
            }
        }));

        Assert.Single(results, won => won);
        Assert.Single(await ReadAll(10));
        await Clear();
    }

    private static FleetRow Row(FleetRowKind kind, string id, string text = "text", long version = 1) => new(kind, id, version, Encoding.UTF8.GetBytes(text));

    private async Task<List<FleetRow>> ReadAll(int pageSize)
    {
        var rows = new List<FleetRow>();
        while (true)
        {
            var page = await Store.Read(rows.LastOrDefault()?.Kind ?? default, rows.LastOrDefault()?.Id ?? "", pageSize, None);
            rows.AddRange(page);
            if (page.Count < pageSize) return rows;
        }
    }

    private async Task Clear()
    {
        var version = await Store.ReadVersion(None);
        await Store.Commit(version, version + 1, [.. (await ReadAll(100)).Select(row => row with { Payload = null })]);
    }
}

public sealed class SqliteFleetStoreTests(SqliteSilo silo) : FleetStoreTests<SqliteSilo>(silo), IClassFixture<SqliteSilo>;

public sealed class PostgresFleetStoreTests(PostgresSilo silo) : FleetStoreTests<PostgresSilo>(silo), IClassFixture<PostgresSilo>
{
    [Fact]
    public async Task Two_clusters_in_one_database_have_fleets_of_their_own()
    {
        await using var other = new PostgresSilo();
        await other.StartAsync();
        var (mine, others) = (Silo.Services.GetRequiredService<IFleetStore>(), other.Services.GetRequiredService<IFleetStore>());
        var before = await mine.ReadVersion(CancellationToken.None);

        await others.Commit(0, 5, [new FleetRow(FleetRowKind.Key, "k", 5, [1])]);

        Assert.Equal((before, 5), (await mine.ReadVersion(CancellationToken.None), await others.ReadVersion(CancellationToken.None)));
        Assert.Empty(await mine.Read(default, "", 10, CancellationToken.None));
    }
}
