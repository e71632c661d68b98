using System.Globalization;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The tables of the database file and their version.</summary>
internal static class SqliteSchema
{
    public const string FileName = "grains.db";

    /// <summary>The version of the tables. A file with another version is refused.</summary>
    public const long Version = 6;

    // Times are milliseconds since 1970 UTC; periods are milliseconds. The column hash is the grain's uniform hash code, by which silos divide the reminders
    // among them.
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS grain_state (
            state TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, updated_at INTEGER NOT NULL, payload BLOB NOT NULL,
            PRIMARY KEY (state, key));
        CREATE TABLE IF NOT EXISTS reminders (
            grain TEXT NOT NULL, name TEXT NOT NULL, hash INTEGER NOT NULL, start_at INTEGER NOT NULL, period INTEGER NOT NULL, version INTEGER NOT NULL,
            PRIMARY KEY (grain, name)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS reminders_by_hash ON reminders (hash);
        INSERT OR IGNORE INTO meta (name, value) VALUES ('schema', '6');
        """;

    /// <summary>The connection string for the database of a data directory. It disables pooling, because a pool keeps the file open.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="mode">Whether opening a connection creates a missing file.</param>
    public static string ConnectionString(string directory, SqliteOpenMode mode = SqliteOpenMode.ReadWriteCreate) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, FileName), Pooling = false, Mode = mode }.ToString();

    /// <summary>Opens the connection that writes, and creates the tables that are missing.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.Internal"/>: the file is damaged or lacks commits, or an older or newer version wrote it.
    /// </exception>
    public static void Open(SqliteConnection connection, Durability durability)
    {
        var database = connection.DataSource;
        try
        {
            SqliteMark.VerifyExists(database);
            var hadLog = File.Exists(SqliteMark.LogOf(database));
            CreateFile(database);
            connection.Open();
            Verify(connection);
            SqliteMark.Verify(connection, hadLog);
            SqliteCheck.Run(connection);
            // Only a database without tables accepts it. Free pages can be returned to the file system later.
            Execute(connection, "PRAGMA auto_vacuum=INCREMENTAL");
            Execute(connection, "PRAGMA journal_mode=WAL");
            // A log that grew during a long read becomes small again.
            Execute(connection, "PRAGMA journal_size_limit=67108864");
            Execute(connection, durability == Durability.Machine ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            // States are often written again soon. A checkpoint that runs less often copies fewer pages into the file.
            Execute(connection, "PRAGMA wal_autocheckpoint=8000");
            CreateTables(connection);
        }
        catch (SqliteException e)
        {
            throw new ClusterException(ErrorCode.Internal, SqliteFaults.Describe(e, database), inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database {database} cannot be opened: {e.Message}", inner: e);
        }
    }

    /// <summary>Creates a database that is not used yet.</summary>
    public static void Create(SqliteConnection connection)
    {
        CreateFile(connection.DataSource);
        connection.Open();
        Execute(connection, "PRAGMA auto_vacuum=INCREMENTAL");
        CreateTables(connection);
    }

    /// <summary>
    /// Opens a connection that reads what is committed at this moment, also while a node writes. The write-ahead log keeps the pages of that moment until the
    /// connection is disposed.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: there is no database. <see cref="ErrorCode.Internal"/>: it is damaged, or an older or newer version wrote it.
    /// </exception>
    public static SqliteConnection OpenSnapshot(string directory)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder(ConnectionString(directory)) { Mode = SqliteOpenMode.ReadWrite }.ToString());
        try
        {
            if (!File.Exists(connection.DataSource))
                throw new ClusterException(ErrorCode.NotFound, $"The directory {directory} does not contain the database {FileName} of a node.");
            connection.Open();
            Execute(connection, "PRAGMA query_only=ON");
            Execute(connection, "BEGIN");
            // The first read determines the moment.
            if (Scalar(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'meta'") is null)
                throw new ClusterException(ErrorCode.NotFound, $"The database {connection.DataSource} is not the database of a node.");
            Verify(connection);
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw new ClusterException(ErrorCode.Internal, SqliteFaults.Describe(e, connection.DataSource), inner: e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // SQLite gives its other files the permissions of this one.
    private static void CreateFile(string database) =>
        new FileStream(database, DataFolder.OpenOptions(FileMode.OpenOrCreate, FileShare.ReadWrite)).Dispose();

    private static void CreateTables(SqliteConnection connection)
    {
        Execute(connection, Tables);
        Execute(connection, SqliteTurnTables.Sql);
        Execute(connection, SqliteFleetStore.Tables);
        Execute(connection, SqliteLedgerStore.Tables);
        Execute(connection, SqliteAuditLog.Tables);
    }

    private static void Verify(SqliteConnection connection)
    {
        if (Scalar(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'meta'") is null) return;
        var found = Scalar(connection, "SELECT value FROM meta WHERE name = 'schema'") as string;
        if (found == Version.ToString(CultureInfo.InvariantCulture)) return;
        var isOlder = long.TryParse(found, CultureInfo.InvariantCulture, out var version) && version < Version;
        var action = isOlder ? "An older build wrote it: move it away to start empty, or use another data folder." : "Run the newer build.";
        throw new ClusterException(
            ErrorCode.Internal, $"The database {connection.DataSource} has schema version {found}, but this build supports version {Version}. {action}");
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
