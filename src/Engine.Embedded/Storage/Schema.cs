using System.Globalization;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>The tables, and the version they are of.</summary>
internal static class Schema
{
    public const string FileName = "grains.db";

    private const int Version = 1;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS grain_state (
            kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, updated_at INTEGER NOT NULL, payload BLOB NOT NULL,
            PRIMARY KEY (kind, key));
        CREATE TABLE IF NOT EXISTS reminders (
            kind TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, due INTEGER NOT NULL, period INTEGER NOT NULL,
            PRIMARY KEY (kind, key, name)) WITHOUT ROWID;
        INSERT OR IGNORE INTO meta (name, value) VALUES ('schema', '1');
        """;

    /// <summary>Opens the connection that writes, and brings the file up to date.</summary>
    public static void Open(SqliteConnection connection, Durability durability)
    {
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, durability == Durability.Machine ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            // States are written again soon after they were written first: the later the log goes into the file, the less of it does.
            Execute(connection, "PRAGMA wal_autocheckpoint=8000");
            Execute(connection, Tables);
        }
        catch (SqliteException e)
        {
            throw new ClusterException(
                ErrorCode.Internal, $"The database {connection.DataSource} cannot be opened ({e.Message}). It may be damaged: restore it from a backup, or move it away to start empty.", inner: e);
        }
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT value FROM meta WHERE name = 'schema'";
        var found = command.ExecuteScalar() as string;
        if (found != Version.ToString(CultureInfo.InvariantCulture))
            throw new ClusterException(ErrorCode.Internal, $"The database {connection.DataSource} has schema version {found}; this program knows {Version}. Run the newer program.");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
