using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>Several silos delete what has expired at the same time.</summary>
public sealed class PostgresSweepTests(PostgresSilo silo) : RowStoreTest<PostgresSilo>(silo)
{
    private const int Timeout = 60_000;

    private static readonly DateTimeOffset LongAgo = new(2003, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact(Timeout = Timeout)]
    public async Task Two_silos_that_sweep_at_once_delete_each_row_once()
    {
        await using var other = new PostgresSilo { ServiceId = Silo.ServiceId, ConnectionString = Silo.ConnectionString };
        await other.StartAsync();
        await StoreAsync(300);
        await CountAllAsync();
        IExpiringStore[] stores = [Expiring, other.Services.GetRequiredService<IExpiringStore>()];

        Assert.Equal(300, await SweepAsync((store, limit) => store.DeleteExpiredContentsAsync(limit, Cancel)));
        Assert.Equal(600, await SweepAsync((store, limit) => store.DeleteExpiredConversationsAsync(limit, Cancel)));
        Assert.Equal(300, await SweepAsync((store, limit) => store.DeleteOldTurnsAsync(LongAgo + TimeSpan.FromDays(1), limit, Cancel)));

        async Task<int> SweepAsync(Func<IExpiringStore, int, Task<int>> step)
        {
            var counts = await Task.WhenAll(stores.Select(store => Task.Run(async () =>
            {
                var sum = 0;
                for (var count = -1; count != 0; sum += count) count = await step(store, 10);
                return sum;
            })));
            return counts.Sum();
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_sweep_does_not_wait_for_rows_that_are_being_changed()
    {
        await StoreAsync(2);
        await CountAllAsync();
        await using var other = new NpgsqlConnection(Silo.ConnectionString + ";Pooling=false");
        await other.OpenAsync(Cancel);
        await using (var transaction = await other.BeginTransactionAsync(Cancel))
        {
            await LockOneAsync("CozeContents");
            Assert.Equal(1, await Expiring.DeleteExpiredContentsAsync(10, Cancel));
            await LockOneAsync("CozeConversations");
            Assert.Equal(2, await Expiring.DeleteExpiredConversationsAsync(10, Cancel));
            await LockOneAsync("CozeTurns", "AND NOT IsHistory");
            Assert.Equal(0, await Expiring.DeleteOldTurnsAsync(LongAgo + TimeSpan.FromDays(1), 10, Cancel));
        }

        Assert.Equal(1, await Expiring.DeleteExpiredContentsAsync(10, Cancel));
        Assert.Equal(2, await Expiring.DeleteExpiredConversationsAsync(10, Cancel));
        Assert.Equal(2, await Expiring.DeleteOldTurnsAsync(LongAgo + TimeSpan.FromDays(1), 10, Cancel));

        async Task LockOneAsync(string table, string condition = "")
        {
            await using var command = new NpgsqlCommand($"SELECT 1 FROM {table} WHERE ServiceId = $1 {condition} LIMIT 1 FOR UPDATE", other);
            command.Parameters.Add(new() { Value = Silo.ServiceId });
            Assert.Equal(1, await command.ExecuteScalarAsync(Cancel));
        }
    }

    /// <summary>Stores expired conversations, each with a turn and an expired reply.</summary>
    private async Task StoreAsync(int count)
    {
        for (var n = 0; n < count; n++)
        {
            var turn = NewTurn(LongAgo) with { IsHistory = true, EndedAt = LongAgo, Status = TurnStatus.Completed };
            await Store.Commit(new(KeyOf($"n{n}"))
            {
                Head = Head($"n{n}") with { ExpiresAt = LongAgo },
                NextHeadVersion = 1,
                Turns = [new(turn, [new(TurnContentKind.Reply, new byte[] { 1 }, LongAgo)])],
            });
        }
    }
}
