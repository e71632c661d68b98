using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage.Tests.Sqlite;

public sealed class SqliteConversationStoreTests(SqliteSilo silo) : ConversationStoreTests<SqliteSilo>(silo);

public sealed class SqliteConversationConflictTests(SqliteSilo silo) : ConversationConflictTests<SqliteSilo>(silo);

public sealed class SqliteConversationRemovalTests(SqliteSilo silo) : ConversationRemovalTests<SqliteSilo>(silo)
{
    protected override Task<long> CountContentsAsync(long rowId)
    {
        using var connection = new SqliteConnection(SqliteSchema.ConnectionString(Silo.DataDirectory));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM contents WHERE turn = $turn";
        command.Parameters.AddWithValue("$turn", rowId);
        return Task.FromResult((long)command.ExecuteScalar()!);
    }
}

public sealed class SqliteTurnLogTests(SqliteSilo silo) : TurnLogTests<SqliteSilo>(silo);

public sealed class SqliteAuditLogTests(SqliteSilo silo) : AuditLogTests<SqliteSilo>(silo);

public sealed class SqliteLedgerStoreTests(SqliteSilo silo) : LedgerStoreTests<SqliteSilo>(silo);
