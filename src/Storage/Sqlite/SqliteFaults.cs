using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CozeCluster.Storage;

/// <summary>Says in plain sentences why SQLite does not read or write, and what an operator can do.</summary>
internal static class SqliteFaults
{
    private const int ReadOnlyBecauseMoved = 1032;
    private const int HasMovedCode = 20;

    /// <summary>Describes an error of the database in a file.</summary>
    /// <param name="error">The error.</param>
    /// <param name="database">The path of the database file.</param>
    public static string Describe(SqliteException error, string database)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(database));
        return error.SqliteErrorCode switch
        {
            raw.SQLITE_FULL => $"The disk of the data directory is full. Free space in {directory}.",
            raw.SQLITE_READONLY when error.SqliteExtendedErrorCode == ReadOnlyBecauseMoved => Moved(database),
            raw.SQLITE_READONLY or raw.SQLITE_PERM =>
                $"The data directory is read-only. Let the user of the node write to {directory} and to the files in it.",
            raw.SQLITE_IOERR =>
                $"The disk of the data directory cannot be read or written. Check the disk, its quota, and the limits of the process: {directory}.",
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => Damaged(database),
            raw.SQLITE_CANTOPEN => $"The database {database} cannot be opened. The user of the node must be able to read and write it.",
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => $"Another program keeps the database {database} locked. Stop that program.",
            _ => $"The database {database} cannot be used: {error.Message}",
        };
    }

    /// <summary>Describes an error of the database to a client, who must not see paths of the node.</summary>
    /// <param name="error">The error.</param>
    /// <param name="failure">A sentence that says what has failed, for an error without a known cause.</param>
    public static ClusterException ToClusterException(SqliteException error, string failure)
    {
        var cause = error.SqliteErrorCode switch
        {
            raw.SQLITE_FULL => "The disk of the node is full.",
            raw.SQLITE_IOERR => "The disk of the node cannot be read or written.",
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => "The database of the node is damaged. Stop the node and restore a backup.",
            _ => failure,
        };
        return new(ErrorCode.Internal, $"{cause} See the log of the node.", inner: error);
    }

    /// <summary>Describes a database with damaged pages.</summary>
    public static string Damaged(string database) =>
        $"The database {database} is damaged. Stop the node and restore a backup, or move the data directory away to start empty.";

    /// <summary>Describes a database file that is not at its path any more.</summary>
    public static string Moved(string database) =>
        $"The database {database} was deleted or replaced while the node uses it, and nothing that is saved can be found again. "
        + "Stop the node, restore a backup, and start the node.";

    /// <summary>Describes a write-ahead log that is not at its path any more.</summary>
    public static string LogMoved(string database) =>
        $"The file {SqliteMark.LogOf(database)} was deleted or replaced while the node uses it: what was saved since is lost when the node ends in disorder. "
        + "Stop the node in order, and start it again.";

    /// <summary>
    /// Whether the file that a connection has open is not at its path any more. On Unix, SQLite continues to write to a file that was deleted.
    /// </summary>
    public static bool HasMoved(SqliteConnection connection)
    {
        var moved = 0;
        return FileControl(connection.Handle!, null, HasMovedCode, ref moved) == raw.SQLITE_OK && moved != 0;
    }

    // The managed wrapper does not have this function.
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", CallingConvention = CallingConvention.Cdecl)]
    private static extern int FileControl(sqlite3 connection, string? schema, int code, ref int result);
}
