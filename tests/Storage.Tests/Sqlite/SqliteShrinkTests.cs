using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests.Sqlite;

/// <summary>The files of the database become small again.</summary>
public sealed class SqliteShrinkTests : StoreFolder
{
    [Fact(Timeout = 60_000)]
    public async Task Expiration_OfMostOfTheContent_ShrinksTheFile()
    {
        var store = Open();
        var conversations = new SqliteConversationStore(store, Time);
        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(n => conversations.Commit(CreateTurn(conversations, n))));
        Time.Advance(TimeSpan.FromHours(1));
        await Save(store, "kept");
        store.TruncateLog();
        var before = new FileInfo(Database).Length;
        Assert.InRange(before, 10_000_000, long.MaxValue);
        using var service = new ExpirationService(store, TurnRetention.Default, Time, NullLogger<ExpirationService>.Instance);

        var deletion = service.DeleteExpiredAsync(TestContext.Current.CancellationToken);
        while (!deletion.IsCompleted)
        {
            if (Time.IsArmed(ExpirationService.Pause)) Time.Advance(ExpirationService.Pause);
            await Task.Yield();
        }
        await deletion;

        Assert.InRange(new FileInfo(Database).Length, 1, before / 5);
        Assert.True(Has(store, "kept"));
        Assert.Single(Log.All, line => line.Contains("has shrunk", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Shrink_LittleFreeSpace_ChangesNothing()
    {
        var store = Open();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(n => Save(store, $"k{n}", 50_000)));
        await store.Write(write => write.Connection is { } connection && Delete(connection, "DELETE FROM grain_state WHERE key LIKE 'k1_'"));
        store.TruncateLog();
        var before = new FileInfo(Database).Length;

        await store.ShrinkAsync(TestContext.Current.CancellationToken);

        Assert.Equal(before, new FileInfo(Database).Length);
        Assert.DoesNotContain(Log.All, line => line.Contains("has shrunk", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Upkeep_WhenNothingIsSavedForAWhile_EmptiesTheLog()
    {
        var store = Open();
        using var upkeep = new SqliteUpkeep(store, Log);
        await Save(store, "large", 2_000_000);
        for (var i = 0; i < 10; i++) await upkeep.Run();
        Assert.InRange(new FileInfo(WriteAheadLog).Length, 2_000_000, long.MaxValue);

        await upkeep.Run();

        Assert.Equal(0, new FileInfo(WriteAheadLog).Length);
        Assert.True(Has(store, "large"));
    }

    /// <summary>An ended turn with a large reply that expires.</summary>
    private ConversationCommit CreateTurn(SqliteConversationStore conversations, int number)
    {
        var turnId = "turn_" + GrainKeys.Encode(Guid.NewGuid().ToByteArray());
        Assert.True(TurnId.TryGetConversation(turnId, out var key));
        var row = new TurnRow
        {
            Id = conversations.NewTurnRowId(),
            Version = 1,
            TurnId = turnId,
            TenantId = $"tenant-{number % 10}",
            Model = "m",
            Status = TurnStatus.Completed,
            CreatedAt = Time.GetUtcNow(),
            EndedAt = Time.GetUtcNow(),
            Details = "{}"u8.ToArray(),
        };
        var reply = new TurnContent(TurnContentKind.Reply, new byte[5_000], Time.GetUtcNow() + TimeSpan.FromMinutes(30));
        return new ConversationCommit(key) { Turns = [new TurnChange(row, [reply])] };
    }

    private static bool Delete(Microsoft.Data.Sqlite.SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery() > 0;
    }
}
