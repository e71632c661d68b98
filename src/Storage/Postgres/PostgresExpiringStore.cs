using Microsoft.Extensions.Options;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>
/// Deletes what has expired in PostgreSQL. Each step is one statement. Several silos may run it at once: each skips the rows that another one has locked, so
/// that no silo waits for the others, and rows that are saved meanwhile are checked again.
/// </summary>
internal sealed class PostgresExpiringStore(PostgresDatabase database, PostgresBlobStore blobs, IOptions<ClusterOptions> cluster, TimeProvider time)
    : IExpiringStore
{
    private const string DeleteContents = """
        WITH expired AS MATERIALIZED (
            SELECT ctid AS Place FROM CozeContents WHERE ServiceId = $1 AND ExpiresOn <= $2 ORDER BY ExpiresOn LIMIT $3 FOR UPDATE SKIP LOCKED),
        deleted AS (DELETE FROM CozeContents WHERE ctid = ANY (ARRAY(SELECT Place FROM expired)))
        SELECT count(*) FROM expired
        """;

    // While an epoch is open, nobody has added up its turns.
    private const string DeleteTurns = """
        WITH old AS MATERIALIZED (
            SELECT Id FROM CozeTurns WHERE ServiceId = $1 AND Id < $2 AND NOT IsHistory
                AND NOT EXISTS (SELECT 1 FROM CozeLedgerEpochs WHERE ServiceId = $1 AND CozeLedgerEpochs.Epoch = CozeTurns.Epoch)
            ORDER BY Id LIMIT $3 FOR UPDATE SKIP LOCKED),
        emptied AS (DELETE FROM CozeContents WHERE ServiceId = $1 AND TurnRow = ANY (ARRAY(SELECT Id FROM old))),
        deleted AS (DELETE FROM CozeTurns WHERE ServiceId = $1 AND Id = ANY (ARRAY(SELECT Id FROM old)))
        SELECT count(*) FROM old
        """;

    // A conversation with a turn that has not ended stays until then: otherwise the end of the turn would be a conflict.
    private static readonly string DeleteConversations = PostgresConversationStore.Remove(
        selection: "ConversationKey = ANY (ARRAY(SELECT ConversationKey FROM expired)) ORDER BY Id",
        before: """
            locked AS MATERIALIZED (
                SELECT ConversationKey, ExpiresOn FROM CozeConversations AS head
                WHERE ServiceId = $1 AND ExpiresOn <= $2 AND NOT EXISTS (
                    SELECT 1 FROM CozeTurns WHERE ServiceId = $1 AND CozeTurns.ConversationKey = head.ConversationKey AND EndedOn IS NULL)
                ORDER BY ExpiresOn LIMIT $3 FOR UPDATE SKIP LOCKED),
            counted AS (
                SELECT ConversationKey, ExpiresOn, 1 + (
                    SELECT count(*) FROM CozeTurns WHERE ServiceId = $1 AND CozeTurns.ConversationKey = locked.ConversationKey) AS Rows
                FROM locked),
            summed AS (SELECT ConversationKey, sum(Rows) OVER (ORDER BY ExpiresOn, ConversationKey) - Rows AS RowsBefore FROM counted),
            expired AS MATERIALIZED (SELECT ConversationKey FROM summed WHERE RowsBefore < $3),
            """ + "\n",
        result: """
            , deleted AS (
                DELETE FROM CozeConversations WHERE ServiceId = $1 AND ConversationKey = ANY (ARRAY(SELECT ConversationKey FROM expired)))
            SELECT (SELECT count(*) FROM expired) + (SELECT count(*) FROM gone)
            """);

    public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken) => blobs.DeleteExpiredAsync(cancellationToken);

    public Task<int> DeleteExpiredContentsAsync(int limit, CancellationToken cancellationToken) =>
        RunAsync(DeleteContents, NpgsqlDbType.TimestampTz, time.GetUtcNow().UtcDateTime, limit, cancellationToken);

    public Task<int> DeleteExpiredConversationsAsync(int limit, CancellationToken cancellationToken) =>
        RunAsync(DeleteConversations, NpgsqlDbType.TimestampTz, time.GetUtcNow().UtcDateTime, limit, cancellationToken);

    public Task<int> DeleteOldTurnsAsync(DateTimeOffset createdBefore, int limit, CancellationToken cancellationToken) =>
        RunAsync(DeleteTurns, NpgsqlDbType.Bigint, TurnRowId.At(createdBefore), limit, cancellationToken);

    public async Task<int> DeleteOldAuditAsync(DateTimeOffset before, int max, int limit, CancellationToken cancellationToken)
    {
        var command = database.Source.CreateCommand(PostgresAuditLog.DeleteSql);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.With(cluster.Value.ServiceId).With(AuditEntry.FirstId(before)).With((long)max).With((long)limit);
        return (int)(long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private async Task<int> RunAsync(string sql, NpgsqlDbType boundType, object bound, int limit, CancellationToken cancellationToken)
    {
        var command = database.Source.CreateCommand(sql);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.With(cluster.Value.ServiceId).With(boundType, bound).With(NpgsqlDbType.Integer, limit);
        return (int)(long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
