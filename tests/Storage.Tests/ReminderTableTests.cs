namespace CozeCluster.Storage.Tests;

/// <summary>Behavior that both reminder tables must have.</summary>
public abstract class ReminderTableTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private static readonly DateTime Noon = new(2026, 1, 2, 12, 0, 0, 250, DateTimeKind.Utc);

    private readonly GrainId _grain = GrainId.Create("test", $"r/{Guid.NewGuid():n}");

    private IReminderTable Table => Silo.Reminders;

    [Fact]
    public async Task Upsert_ThenRead_ReturnsTheReminder()
    {
        var etag = await UpsertAsync(_grain, "tea");

        var row = await Table.ReadRow(_grain, "tea");

        Assert.NotNull(row);
        Assert.Equal((_grain, "tea", Noon, TimeSpan.FromMinutes(2), etag), (row.GrainId, row.ReminderName, row.StartAt, row.Period, row.ETag));
        Assert.Equal(DateTimeKind.Utc, row.StartAt.Kind);
    }

    [Fact]
    public async Task ReadRow_UnknownReminder_ReturnsNull()
    {
        await UpsertAsync(_grain, "tea");

        Assert.Null(await Table.ReadRow(_grain, "coffee"));
    }

    [Fact]
    public async Task ReadRows_OfAGrain_ReturnsOnlyItsReminders()
    {
        await UpsertAsync(_grain, "tea");
        await UpsertAsync(_grain, "coffee");
        await UpsertAsync(GrainId.Create("test", _grain.Key + "2"), "tea");

        var rows = await Table.ReadRows(_grain);

        Assert.Equal(["coffee", "tea"], rows.Reminders.Select(row => row.ReminderName).Order());
    }

    [Fact]
    public async Task Upsert_Again_ReplacesAndReturnsAnotherETag()
    {
        var first = await UpsertAsync(_grain, "tea");
        var second = await UpsertAsync(_grain, "tea", TimeSpan.FromHours(1));

        Assert.NotEqual(first, second);
        var row = Assert.Single((await Table.ReadRows(_grain)).Reminders);
        Assert.Equal((TimeSpan.FromHours(1), second), (row.Period, row.ETag));
    }

    [Fact]
    public async Task Remove_OutdatedETag_RemovesNothing()
    {
        var outdated = await UpsertAsync(_grain, "tea");
        var current = await UpsertAsync(_grain, "tea");

        Assert.False(await Table.RemoveRow(_grain, "tea", outdated));
        Assert.NotNull(await Table.ReadRow(_grain, "tea"));
        Assert.True(await Table.RemoveRow(_grain, "tea", current));
        Assert.Null(await Table.ReadRow(_grain, "tea"));
        Assert.False(await Table.RemoveRow(_grain, "tea", current));
    }

    [Fact]
    public async Task Upsert_AfterARemove_DoesNotReuseAnETag()
    {
        var held = await UpsertAsync(_grain, "tea");
        await Table.RemoveRow(_grain, "tea", held);
        await UpsertAsync(_grain, "tea");

        Assert.False(await Table.RemoveRow(_grain, "tea", held));
    }

    [Fact]
    public async Task ReadRows_Range_ExcludesItsBeginAndIncludesItsEnd()
    {
        var grains = await RegisterManyAsync();
        var (begin, end) = (Hash(grains[3]), Hash(grains[8]));

        Assert.Equal(grains[4..9], await ReadRangeAsync(begin, end));
        Assert.Equal([grains[3]], await ReadRangeAsync(begin - 1, begin));
    }

    [Fact]
    public async Task ReadRows_RangeThatWraps_ReadsBothEnds()
    {
        var grains = await RegisterManyAsync();

        GrainId[] expected = [.. grains[..4], .. grains[9..]];
        Assert.Equal(expected, await ReadRangeAsync(Hash(grains[8]), Hash(grains[3])));
    }

    [Fact]
    public async Task ReadRows_RangeThatBeginsWhereItEnds_ReadsAll()
    {
        var grains = await RegisterManyAsync();

        Assert.Equal(grains, await ReadRangeAsync(0, 0));
        Assert.Equal(grains, await ReadRangeAsync(Hash(grains[5]), Hash(grains[5])));
    }

    /// <summary>Registers reminders on both sides of the middle of the ring, where a signed hash changes its sign.</summary>
    private async Task<GrainId[]> RegisterManyAsync()
    {
        var grains = Enumerable.Range(0, 12).Select(i => GrainId.Create("test", $"{_grain.Key}-{i}")).OrderBy(Hash).ToArray();
        Assert.True(Hash(grains[0]) < int.MaxValue && Hash(grains[^1]) > int.MaxValue);
        foreach (var grain in grains) await UpsertAsync(grain, "tea");
        return grains;
    }

    /// <summary>Reads a range, without the reminders of other tests, which share the table.</summary>
    private async Task<GrainId[]> ReadRangeAsync(uint begin, uint end)
    {
        var rows = (await Table.ReadRows(begin, end)).Reminders;
        return rows.Select(row => row.GrainId).Where(grain => $"{grain.Key}".StartsWith($"{_grain.Key}-", StringComparison.Ordinal)).OrderBy(Hash).ToArray();
    }

    private static uint Hash(GrainId grain) => grain.GetUniformHashCode();

    private async Task<string> UpsertAsync(GrainId grain, string name, TimeSpan? period = null)
    {
        var entry = new ReminderEntry { GrainId = grain, ReminderName = name, StartAt = Noon, Period = period ?? TimeSpan.FromMinutes(2) };
        return Assert.IsType<string>(await Table.UpsertRow(entry));
    }
}

public sealed class SqliteReminderTableTests(SqliteSilo silo) : ReminderTableTests<SqliteSilo>(silo);

public sealed class PostgresReminderTableTests(PostgresSilo silo) : ReminderTableTests<PostgresSilo>(silo);
