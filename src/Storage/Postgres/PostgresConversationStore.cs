using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>
/// Conversations, turns and their contents as rows in PostgreSQL. Each method is one round trip: the statements of a batch travel together and are one
/// transaction, which the first error ends. A statement that must change one row and does not causes such an error, so nothing has to be read before a commit.
/// </summary>
/// <remarks>
/// All transactions lock in the same order: a conversation, its turns by id, contents. So no two of them wait for each other.
/// </remarks>
/// <param name="database">The connections.</param>
/// <param name="cluster">The service id, which is part of all keys.</param>
/// <param name="time">The clock of ids and of tombstones.</param>
internal sealed class PostgresConversationStore(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time)
    : HostLifecycleService, IConversationStore
{
    private const string SelectHead = $"SELECT {PostgresRows.HeadColumns} FROM CozeConversations WHERE ServiceId = $1 AND ConversationKey = $2";

    // One statement sees one state of the turns. The first column says why a turn was selected.
    private const string SelectCurrentTurns = $"""
        WITH found AS (
            SELECT {PostgresRows.TurnColumns}, 0 AS Part FROM CozeTurns WHERE ServiceId = $1 AND ConversationKey = $2 AND EndedOn IS NULL
            UNION ALL
            (SELECT {PostgresRows.TurnColumns}, 1 FROM CozeTurns WHERE ServiceId = $1 AND ConversationKey = $2 ORDER BY Id DESC LIMIT 1)
            UNION ALL
            (SELECT {PostgresRows.TurnColumns}, 2 FROM CozeTurns WHERE ServiceId = $1 AND ConversationKey = $2 AND Handle IS NOT NULL ORDER BY Id DESC LIMIT 1))
        SELECT {PostgresRows.TurnColumns}, {PostgresRows.ContentColumns}, Part
        FROM found LEFT JOIN CozeContents ON Part = 0 AND ServiceId = $1 AND TurnRow = Id ORDER BY Part, Id, Kind
        """;

    private const string SelectTurn = $"""
        WITH found AS (SELECT {PostgresRows.TurnColumns} FROM CozeTurns WHERE ServiceId = $1 AND ConversationKey = $2 AND TurnId = $3)
        SELECT {PostgresRows.TurnColumns}, {PostgresRows.ContentColumns} FROM found LEFT JOIN CozeContents ON ServiceId = $1 AND TurnRow = Id ORDER BY Kind
        """;

    // The kinds are prompts and replies.
    private const string SelectLastTurns = $"""
        WITH found AS (SELECT {PostgresRows.TurnColumns} FROM CozeTurns WHERE ServiceId = $1 AND ConversationKey = $2 ORDER BY Id DESC LIMIT $3)
        SELECT {PostgresRows.TurnColumns}, {PostgresRows.ContentColumns}
        FROM found LEFT JOIN CozeContents ON ServiceId = $1 AND TurnRow = Id AND Kind IN (2, 3) ORDER BY Id, Kind
        """;

    private const string WriteContent = """
        INSERT INTO CozeContents (ServiceId, TurnRow, Kind, Payload, ExpiresOn) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (ServiceId, TurnRow, Kind) DO UPDATE SET Payload = excluded.Payload, ExpiresOn = excluded.ExpiresOn
        """;

    private const string DeleteContent = "DELETE FROM CozeContents WHERE ServiceId = $1 AND TurnRow = $2 AND Kind = $3";

    private const string LeaveTombstone = """
        UPDATE CozeConversations SET IsDeleted = true, Title = NULL, Turns = 0, ExpiresOn = $3, Version = Version + 1
        WHERE ServiceId = $1 AND ConversationKey = $2 AND NOT IsDeleted
        """;

    private static readonly TimeSpan TombstoneLifetime = TimeSpan.FromHours(1);

    private static readonly string RemoveAll = Remove("ConversationKey = $2 ORDER BY Id");
    private static readonly string RemoveOldest = Remove("ConversationKey = $2 AND EndedOn IS NOT NULL ORDER BY Id LIMIT $3");
    private static readonly string RemoveSome = Remove("ConversationKey = $2 AND Id = ANY ($3) ORDER BY Id");

    private TurnRowId? _ids;

    private string ServiceId => cluster.Value.ServiceId;

    /// <summary>A statement by which turns leave their conversation. Their contents are deleted, and the turns remain in the log.</summary>
    /// <param name="selection">The condition, order and limit of the turns. $1 is the service id.</param>
    /// <param name="before">Common table expressions on which the condition depends, each followed by a comma.</param>
    /// <param name="result">The main statement; the turns are the table <c>gone</c>. Null: it deletes the contents.</param>
    public static string Remove(string selection, string before = "", string? result = null)
    {
        const string DeleteContents = "DELETE FROM CozeContents WHERE ServiceId = $1 AND TurnRow = ANY (ARRAY(SELECT Id FROM gone))";
        // The ids are an array, so that PostgreSQL looks up each row by the index whatever it expects of the number of rows.
        return $"""
            WITH {before}gone AS MATERIALIZED (SELECT Id FROM CozeTurns WHERE ServiceId = $1 AND {selection} FOR UPDATE),
            removed AS (
                UPDATE CozeTurns SET ConversationKey = NULL, IsHistory = false, Version = Version + 1
                WHERE ServiceId = $1 AND Id = ANY (ARRAY(SELECT Id FROM gone)))
            {(result is null ? DeleteContents : $", emptied AS ({DeleteContents}) {result}")}
            """;
    }

    /// <summary>Takes a number for this process.</summary>
    /// <exception cref="ClusterException">The database cannot be used.</exception>
    public override async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            var command = database.Source.CreateCommand("SELECT nextval('CozeProcessNumbers') % 1024");
            await using var _ = command.ConfigureAwait(false);
            _ids = new((int)(long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!, time);
        }
        catch (NpgsqlException e)
        {
            throw PostgresReads.ToClusterException(e);
        }
    }

    public long NewTurnRowId() => (_ids ?? throw new InvalidOperationException("The storage has not started.")).Next();

    public ValueTask<StoredConversation?> Load(string conversationKey, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        batch.AddStatement(SelectHead, ServiceId).With(conversationKey);
        batch.AddStatement(SelectCurrentTurns, ServiceId).With(conversationKey);
        return PostgresReads.ReadAsync(database, batch, ReadConversationAsync, time, cancellationToken);

        async Task<StoredConversation?> ReadConversationAsync(NpgsqlDataReader row)
        {
            var (head, version) = await row.ReadAsync(cancellationToken).ConfigureAwait(false) ? PostgresRows.ReadHead(row) : (null, 0L);
            await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
            var parts = await ReadTurnsAsync(row, partColumn: true, cancellationToken).ConfigureAwait(false);
            if (head is null && parts.Count == 0) return null;
            return new(head, version, [.. parts.Where(turn => turn.Part == 0).Select(turn => turn.Turn)], Find(1), Find(2));

            TurnRow? Find(int part) => parts.Find(turn => turn.Part == part).Turn?.Row;
        }
    }

    public ValueTask<StoredTurn?> FindTurn(string conversationKey, string turnId, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        batch.AddStatement(SelectTurn, ServiceId).With(conversationKey).With(turnId);
        return PostgresReads.ReadAsync<StoredTurn?>(
            database,
            batch,
            async row => (await ReadTurnsAsync(row, partColumn: false, cancellationToken).ConfigureAwait(false)).FirstOrDefault().Turn,
            time,
            cancellationToken);
    }

    public ValueTask<IReadOnlyList<StoredTurn>> ReadTurns(string conversationKey, int limit, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        batch.AddStatement(SelectLastTurns, ServiceId).With(conversationKey).With(NpgsqlDbType.Integer, limit);
        return PostgresReads.ReadAsync<IReadOnlyList<StoredTurn>>(
            database,
            batch,
            async row => [.. (await ReadTurnsAsync(row, partColumn: false, cancellationToken).ConfigureAwait(false)).Select(turn => turn.Turn)],
            time,
            cancellationToken);
    }

    public Task Commit(ConversationCommit commit) => WriteAsync(commit.ConversationKey, batch =>
    {
        var key = commit.ConversationKey;
        if (commit.Head is { } head && commit.ExpectedHeadVersion == 0)
            batch.AddStatement(PostgresRows.InsertHead, ServiceId).With(key).WithHead(head, commit.NextHeadVersion);
        else if (commit.Head is { } changed)
            batch.AddStatement(PostgresRows.UpdateHead, ServiceId).With(key).WithHead(changed, commit.NextHeadVersion).With(commit.ExpectedHeadVersion);
        foreach (var (row, contents) in commit.Turns.OrderBy(turn => turn.Row.Id))
        {
            if (row.Version == 1)
            {
                var insert = row.Charge is not null ? PostgresRows.InsertChargedTurn
                    : row.EndedAt is not null ? PostgresRows.InsertEndedTurn
                    : PostgresRows.InsertTurn;
                batch.AddStatement(insert, ServiceId).With(key).WithChanging(row).WithFixed(row);
            }
            else batch.AddStatement(row.EndedAt is null ? PostgresRows.UpdateTurn : PostgresRows.EndTurn, ServiceId).With(key).WithChanging(row);
            foreach (var content in contents)
            {
                var kind = (short)content.Kind;
                if (content.Payload.IsEmpty)
                    batch.AddStatement(DeleteContent, ServiceId).With(row.Id).With(NpgsqlDbType.Smallint, kind);
                else
                    batch.AddStatement(WriteContent, ServiceId).With(row.Id).With(NpgsqlDbType.Smallint, kind)
                        .With(NpgsqlDbType.Bytea, content.Payload.ToArray()).With(content.ExpiresAt);
            }
        }
        if (commit.Remove.Count > 0)
            batch.AddStatement(RemoveSome, ServiceId).With(key).With(NpgsqlDbType.Array | NpgsqlDbType.Bigint, commit.Remove.ToArray());
        if (commit.RemoveOldest > 0) batch.AddStatement(RemoveOldest, ServiceId).With(key).With(NpgsqlDbType.Integer, commit.RemoveOldest);
    });

    public Task Delete(string conversationKey) => WriteAsync(conversationKey, batch =>
    {
        batch.AddStatement(LeaveTombstone, ServiceId).With(conversationKey).With(time.GetUtcNow() + TombstoneLifetime);
        batch.AddStatement(RemoveAll, ServiceId).With(conversationKey);
    });

    // Everything before the first await runs before the caller continues.
    private async Task WriteAsync(string conversationKey, Action<NpgsqlBatch> addStatements)
    {
        try
        {
            var batch = database.States.CreateBatch();
            await using var _ = batch.ConfigureAwait(false);
            addStatements(batch);
            if (batch.BatchCommands.Count > 0) await database.WatchAsync(() => batch.ExecuteNonQueryAsync()).ConfigureAwait(false);
        }
        catch (NpgsqlException e) when (PostgresRows.IsEpochClosed(e))
        {
            throw new EpochClosedException();
        }
        catch (NpgsqlException e) when (PostgresRows.IsConflict(e))
        {
            throw StorageErrors.Conflict(conversationKey);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
        {
            throw PostgresReads.ToClusterException(e);
        }
    }

    private static async Task<List<(StoredTurn Turn, int Part)>> ReadTurnsAsync(NpgsqlDataReader row, bool partColumn, CancellationToken cancellationToken)
    {
        const int Part = 30;
        var turns = new List<(StoredTurn Turn, int Part)>();
        var contents = new List<TurnContent>();
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var part = partColumn ? row.GetInt32(Part) : 0;
            // Rows of the same turn follow each other, one for each of its contents.
            if (turns.Count == 0 || turns[^1].Turn.Row.Id != row.GetInt64(0) || turns[^1].Part != part)
            {
                contents = [];
                turns.Add((new(PostgresRows.ReadTurn(row), contents), part));
            }
            if (PostgresRows.ReadContent(row) is { } content) contents.Add(content);
        }
        return turns;
    }
}
