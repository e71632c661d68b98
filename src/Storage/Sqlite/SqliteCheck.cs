using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CozeCluster.Storage;

/// <summary>Looks for damaged pages when a database is opened, for a limited time: a check of a large file takes longer than a start may.</summary>
internal static class SqliteCheck
{
    /// <summary>Real time, because it depends on the speed of the disk.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    /// <summary>Reads the pages of the database until all are read or the time is over.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: a page is damaged.</exception>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public static void Run(SqliteConnection connection)
    {
        using var limit = new CancellationTokenSource(MaxTime, TimeProvider.System);
        using var interrupt = limit.Token.Register(() => raw.sqlite3_interrupt(connection.Handle));
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA quick_check(1)";
        try
        {
            if (command.ExecuteScalar() is "ok") return;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_INTERRUPT)
        {
            return;
        }
        throw new ClusterException(ErrorCode.Internal, SqliteFaults.Damaged(connection.DataSource));
    }
}
