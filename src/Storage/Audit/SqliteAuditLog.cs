using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The audit log in the database of a single node. Entries are few, so statements are not kept.</summary>
internal sealed class SqliteAuditLog(SqliteStore store) : IAuditLog
{
    // The number of a role: see AdminRole. 4 is a tenant admin.
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS audit (
            id TEXT PRIMARY KEY, actor_tenant TEXT NOT NULL, key_name TEXT NOT NULL, role INTEGER, address TEXT NOT NULL, action TEXT NOT NULL,
            kind TEXT NOT NULL, item TEXT NOT NULL, tenant TEXT, outcome TEXT NOT NULL, fields TEXT NOT NULL, note TEXT, request TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS audit_by_tenant ON audit (tenant, id);
        CREATE INDEX IF NOT EXISTS audit_of_tenants ON audit (id) WHERE role IS NULL OR role = 4;
        """;

    public Task Append(AuditEntry entry) => store.Write(write =>
    {
        using var insert = new SqliteStatement(
            write.Connection,
            $"INSERT OR IGNORE INTO audit ({AuditRow.SqliteColumns}) VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            [.. Enumerable.Range(0, 13).Select(i => i == 3 ? SqliteType.Integer : SqliteType.Text)]);
        insert.Run(AuditRow.ValuesOf(entry));
        return true;
    });

    public Task Complete(string id, string outcome) => store.Write(write =>
    {
        using var update = new SqliteStatement(
            write.Connection, $"UPDATE audit SET outcome = $1 WHERE id = $0 AND outcome = '{AuditEntry.UnknownOutcome}'", SqliteType.Text, SqliteType.Text);
        update.Run(id, outcome);
        return true;
    });

    public ValueTask<IReadOnlyList<AuditEntry>> Search(AuditQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(store.Read(reader => Read(reader.Connection, query)));
        }
        catch (SqliteException e)
        {
            throw SqliteFaults.ToClusterException(e, "The database could not read the audit log.");
        }
    }

    /// <summary>The number of entries. It reads all of an index, so it is not for the connection that writes.</summary>
    public static long Count(SqliteConnection connection)
    {
        using var count = new SqliteStatement(connection, "SELECT COUNT(*) FROM audit");
        return count.Scalar()!.Value;
    }

    /// <summary>Deletes entries that are too old, and then those that are too many: first those of tenants.</summary>
    /// <param name="connection">The connection that writes.</param>
    /// <param name="before">Entries with a lower id are too old.</param>
    /// <param name="excess">How many entries are too many, with those that are too old.</param>
    /// <param name="limit">How many are deleted at most.</param>
    /// <returns>How many were deleted.</returns>
    public static int Delete(SqliteConnection connection, string before, long excess, int limit)
    {
        using var old = new SqliteStatement(
            connection, "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < $0 ORDER BY id LIMIT $1)", SqliteType.Text, SqliteType.Integer);
        var deleted = old.Run(before, (long)limit);
        foreach (var condition in (string[])["WHERE role IS NULL OR role = 4", ""])
        {
            var more = Math.Min(limit, excess) - deleted;
            if (more <= 0) break;
            using var most = new SqliteStatement(
                connection, $"DELETE FROM audit WHERE id IN (SELECT id FROM audit {condition} ORDER BY id LIMIT $0)", SqliteType.Integer);
            deleted += most.Run(more);
        }
        return deleted;
    }

    private static IReadOnlyList<AuditEntry> Read(SqliteConnection connection, AuditQuery query)
    {
        var terms = AuditRow.TermsOf(query);
        var where = string.Join(" AND ", terms.Select((term, i) => $"{term.SqliteColumn} {term.Operator} ${i + 1}"));
        using var statement = new SqliteStatement(
            connection,
            $"SELECT {AuditRow.SqliteColumns} FROM audit{(where.Length == 0 ? "" : $" WHERE {where}")} ORDER BY id DESC LIMIT $0",
            [SqliteType.Integer, .. terms.Select(_ => SqliteType.Text)]);
        using var row = statement.Query([(long)query.Limit, .. terms.Select(term => term.Value)]);
        var entries = new List<AuditEntry>();
        while (row.Read()) entries.Add(AuditRow.Read(row));
        return entries;
    }
}
