using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

public sealed class PostgresConversationStoreTests(PostgresSilo silo) : ConversationStoreTests<PostgresSilo>(silo);

public sealed class PostgresConversationConflictTests(PostgresSilo silo) : ConversationConflictTests<PostgresSilo>(silo);

public sealed class PostgresConversationRemovalTests(PostgresSilo silo) : ConversationRemovalTests<PostgresSilo>(silo)
{
    protected override async Task<long> CountContentsAsync(long rowId)
    {
        await using var source = NpgsqlDataSource.Create(Silo.ConnectionString);
        await using var command = source.CreateCommand("SELECT count(*) FROM CozeContents WHERE ServiceId = $1 AND TurnRow = $2");
        foreach (var value in (object[])[Silo.ServiceId, rowId]) command.Parameters.Add(new() { Value = value });
        return Assert.IsType<long>(await command.ExecuteScalarAsync(Cancel));
    }
}

public sealed class PostgresTurnLogTests(PostgresSilo silo) : TurnLogTests<PostgresSilo>(silo);

public sealed class PostgresAuditLogTests(PostgresSilo silo) : AuditLogTests<PostgresSilo>(silo);

public sealed class PostgresLedgerStoreTests(PostgresSilo silo) : LedgerStoreTests<PostgresSilo>(silo);
