using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>
/// The rows of the fleet in the database of a single node. The catalog reads all of them when it activates and writes few at a time, so statements are not kept.
/// </summary>
internal sealed class SqliteFleetStore(SqliteStore store) : IFleetStore
{
    // The row of kind 0 has the version of the fleet.
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS fleet (kind INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, payload BLOB, PRIMARY KEY (kind, id)) WITHOUT ROWID;
        """;

    public ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken) =>
        new(FleetErrors.Translate(() => Task.FromResult<IReadOnlyList<FleetRow>>(store.Read(reader => ReadRows(reader.Connection, afterKind, afterId, limit)))));

    public ValueTask<long> ReadVersion(CancellationToken cancellationToken) =>
        new(FleetErrors.Translate(() => Task.FromResult(store.Read(reader => ReadVersion(reader.Connection)))));

    public async Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(nextVersion, expectedVersion);
        if (!await store.Write(write => WriteRows(write.Connection, expectedVersion, nextVersion, rows)).ConfigureAwait(false)) throw FleetErrors.Conflict();
    }

    private static List<FleetRow> ReadRows(SqliteConnection connection, FleetRowKind afterKind, string afterId, int limit)
    {
        using var statement = new SqliteStatement(
            connection, "SELECT kind, id, version, payload FROM fleet WHERE kind > 0 AND (kind, id) > ($0, $1) ORDER BY kind, id LIMIT $2",
            SqliteType.Integer, SqliteType.Text, SqliteType.Integer);
        using var row = statement.Query((long)afterKind, afterId, (long)limit);
        var page = new List<FleetRow>();
        while (row.Read()) page.Add(new FleetRow((FleetRowKind)row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<byte[]>(3)));
        return page;
    }

    private static long ReadVersion(SqliteConnection connection)
    {
        using var statement = new SqliteStatement(connection, "SELECT version FROM fleet WHERE kind = 0");
        using var row = statement.Query();
        return row.Read() ? row.GetInt64(0) : 0;
    }

    private static bool WriteRows(SqliteConnection connection, long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows)
    {
        if (ReadVersion(connection) != expectedVersion) return false;
        using var upsert = new SqliteStatement(
            connection, "INSERT OR REPLACE INTO fleet (kind, id, version, payload) VALUES ($0, $1, $2, $3)",
            SqliteType.Integer, SqliteType.Text, SqliteType.Integer, SqliteType.Blob);
        using var delete = new SqliteStatement(connection, "DELETE FROM fleet WHERE kind = $0 AND id = $1", SqliteType.Integer, SqliteType.Text);
        foreach (var row in rows)
        {
            if (row.Payload is null) delete.Run((long)row.Kind, row.Id);
            else upsert.Run((long)row.Kind, row.Id, row.Version, row.Payload);
        }
        upsert.Run(0L, "", nextVersion, DBNull.Value);
        return true;
    }
}
