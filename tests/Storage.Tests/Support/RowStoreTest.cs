using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>Tests of conversations and turns as rows. Each test has a tenant of its own.</summary>
public abstract class RowStoreTest<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private static long _counter;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The time in whole milliseconds, as it is stored.</summary>
    protected static DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    protected string Tenant { get; } = $"tenant-{Guid.NewGuid():n}";

    protected IConversationStore Store => Silo.Services.GetRequiredService<IConversationStore>();

    protected ITurnLog Log => Silo.Services.GetRequiredService<ITurnLog>();

    private protected IExpiringStore Expiring => Silo.Services.GetRequiredService<IExpiringStore>();

    private protected IUsageCounter Counter => Silo.Services.GetRequiredService<IUsageCounter>();

    protected static string NewKey() => $"turn-{Guid.NewGuid():n}";

    protected string KeyOf(string name) => "conv-" + GrainKeys.Hash(Tenant, name);

    /// <summary>A turn that runs and is not stored yet.</summary>
    /// <param name="createdAt">Null: now.</param>
    protected TurnRow NewTurn(DateTimeOffset? createdAt = null) => new()
    {
        Id = createdAt is { } at ? TurnRowId.At(at) + Interlocked.Increment(ref _counter) : Store.NewTurnRowId(),
        Version = 1,
        TurnId = $"turn_{Guid.NewGuid():n}",
        TenantId = Tenant,
        Model = "model",
        Status = TurnStatus.Running,
        CreatedAt = createdAt ?? Now,
        Details = [1, 2, 3],
    };

    protected static TurnRow Ended(TurnRow row) => Next(row) with { Status = TurnStatus.Completed, EndedAt = Now };

    protected static TurnRow Next(TurnRow row) => row with { Version = row.Version + 1 };

    protected ConversationHead Head(string? name, int turns = 1, DateTimeOffset? lastUsedAt = null) =>
        new(Tenant, name, Now, lastUsedAt ?? Now, turns, Now + TimeSpan.FromDays(1));

    protected static TurnContent Reply(params byte[] payload) => new(TurnContentKind.Reply, payload);

    protected Task CommitAsync(string key, params TurnRow[] rows) => Store.Commit(new(key) { Turns = [.. rows.Select(row => new TurnChange(row, []))] });

    protected Task CommitAsync(string key, TurnRow row, params TurnContent[] contents) => Store.Commit(new(key) { Turns = [new(row, contents)] });

    /// <summary>Stores a head for the first time.</summary>
    /// <returns>Its version.</returns>
    protected async Task<long> CreateAsync(string key, ConversationHead head, params TurnRow[] rows)
    {
        var version = ConversationHead.NewVersion();
        await Store.Commit(new(key) { Head = head, NextHeadVersion = version, Turns = [.. rows.Select(row => new TurnChange(row, []))] });
        return version;
    }

    protected async Task<StoredConversation> LoadAsync(string key)
    {
        var loaded = await Store.Load(key, Cancel);
        Assert.NotNull(loaded);
        return loaded;
    }

    protected async Task<StoredTurn> FindAsync(string key, string turnId)
    {
        var found = await Store.FindTurn(key, turnId, Cancel);
        Assert.NotNull(found);
        return found;
    }

    /// <summary>The only row with a turn id, whether it belongs to a conversation or not.</summary>
    protected async Task<TurnRow> LogRowAsync(string turnId) => Assert.Single(await Log.Search(new() { TurnId = turnId }, Cancel));

    protected async Task<IReadOnlyList<long>> SearchAsync(TurnQuery query) => [.. (await Log.Search(query, Cancel)).Select(row => row.Id)];

    /// <summary>Counts all turns that have ended.</summary>
    protected async Task CountAllAsync()
    {
        while (await Counter.CountAsync(200, Cancel) > 0)
        {
        }
    }

    protected static async Task AssertConflictAsync(Func<Task> write) =>
        Assert.Equal(ErrorCode.StateConflict, (await Assert.ThrowsAsync<ClusterException>(write)).Code);

    protected static void AssertEqual(TurnRow expected, TurnRow? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Details, actual.Details);
        Assert.Equal(expected.Handle, actual.Handle);
        // Records compare arrays by reference.
        Assert.Equal(expected with { Details = [], Handle = null }, actual with { Details = [], Handle = null });
    }
}
