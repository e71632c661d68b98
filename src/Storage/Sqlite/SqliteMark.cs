using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>
/// Makes the loss of commits noticeable. SQLite opens a database whose write-ahead log was deleted or cut, or an older copy of it, without an error. The
/// database contains a mark, which is the time of a commit and only increases. When the mark is on the disk, it is recorded in a file beside the database. If a
/// start finds a lower mark in the database than in the file, commits are missing.
/// </summary>
/// <remarks>
/// The file never has a mark that is not on the disk, so a crash or a power cut is no loss to this class, also where commits do not wait for the disk. The
/// database has a random id: a database without a file (a new one, or a restored backup) gets a new id.
/// </remarks>
internal sealed class SqliteMark : IDisposable
{
    /// <summary>The name of the file in the data directory: a format number, the id of the database, and the mark.</summary>
    public const string FileName = "storage.mark";

    private const string Format = "1";
    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly string _log;
    private readonly bool _commitsAreOnDisk;
    private readonly string _id;
    private readonly TimeProvider _time;
    private long _mark;
    private long _recorded;

    private SqliteMark(FileStream file, string log, bool commitsAreOnDisk, string id, long mark, TimeProvider time) =>
        (_file, _log, _commitsAreOnDisk, _id, _mark, _time) = (file, log, commitsAreOnDisk, id, mark, time);

    /// <summary>The path of the write-ahead log of a database.</summary>
    public static string LogOf(string database) => database + "-wal";

    /// <summary>Verifies that a database file exists if its mark is recorded. Must be called before SQLite would create the file.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database is missing.</exception>
    public static void VerifyExists(string database)
    {
        if (new FileInfo(database) is { Exists: true, Length: > 0 } || Read(DirectoryOf(database)) is not { } recorded) return;
        throw Refuse(
            database, $"The database {database} is missing, although a node has saved data until {Time(recorded.Mark)} in this directory.",
            "Put it back or restore a backup. To start empty, run the command");
    }

    /// <summary>Verifies that a database that has been opened contains all commits up to the recorded mark. Changes nothing.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="hadLog">Whether the write-ahead log existed before the connection was opened.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: commits are missing.</exception>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public static void Verify(SqliteConnection connection, bool hadLog)
    {
        var database = connection.DataSource;
        if (Read(DirectoryOf(database)) is not { } recorded) return;
        var stored = ReadStored(connection);
        if (stored is { } other && other.Id != recorded.Id)
        {
            throw Refuse(
                database, $"The database {database} is not the one that the node has used in this directory until {Time(recorded.Mark)}.",
                "Put that one back. To use this one, run the command");
        }
        if (stored?.Mark >= recorded.Mark) return;
        var missing = stored is { } found ? $"what was saved after {Time(found.Mark)}, at least until {Time(recorded.Mark)}" : "everything that was saved";
        var log = LogOf(database);
        var reason = hadLog ? $"its log {log} was cut, or the database is an older copy" : $"its log {log} is missing, or the database is an older copy";
        throw Refuse(
            database, $"The database {database} lacks {missing}: {reason}.",
            "Put the missing file back or restore a backup. To continue with what there is, run the command");
    }

    /// <summary>Forgets the recorded mark, so that the next start accepts the database as it is. For a directory that no node uses.</summary>
    public static void Reset(string directory) => File.Delete(Path.Combine(directory, FileName));

    /// <summary>Sets and records the mark of a database that has been verified. It is on the disk when the method returns.</summary>
    /// <param name="connection">The connection that writes, outside of a transaction.</param>
    /// <param name="durability">Whether commits of the connection wait for the disk.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static SqliteMark Open(SqliteConnection connection, Durability durability, TimeProvider time)
    {
        var directory = DirectoryOf(connection.DataSource);
        var stored = ReadStored(connection);
        var recorded = Read(directory);
        // A recorded mark of this database means that the id is known to nobody else.
        var id = recorded is { } known && known.Id == stored?.Id ? known.Id : Guid.NewGuid().ToString("n");
        var file = new FileStream(Path.Combine(directory, FileName), DataFolder.OpenOptions(FileMode.OpenOrCreate));
        try
        {
            var log = LogOf(connection.DataSource);
            var mark = new SqliteMark(file, log, durability == Durability.Machine, id, stored?.Mark ?? 0, time);
            using (var transaction = connection.BeginTransaction())
            {
                Store(connection, "id", id);
                mark.Advance(connection);
                transaction.Commit();
            }
            mark.Record(mark._mark, toDisk: true);
            return mark;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Sets the next mark, inside a transaction of the connection that writes.</summary>
    /// <returns>The mark. <see cref="Record"/> must be called with it when the transaction is committed.</returns>
    public long Advance(SqliteConnection connection)
    {
        _mark = Math.Max(_mark + 1, _time.GetUtcNow().ToUnixTimeMilliseconds());
        Store(connection, "mark", _mark.ToString(CultureInfo.InvariantCulture));
        return _mark;
    }

    /// <summary>Records a mark whose transaction is committed. Waits for the disk if commits do not.</summary>
    /// <param name="mark">The mark.</param>
    /// <param name="toDisk">Whether the record itself must be on the disk when the method returns.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Record(long mark, bool toDisk = false)
    {
        lock (_gate)
        {
            if (mark <= _recorded || (!_commitsAreOnDisk && !TryFlushLog())) return;
            RandomAccess.Write(_file.SafeFileHandle, Encoding.ASCII.GetBytes($"{Format} {_id} {mark:d20}\n"), 0);
            if (toDisk) RandomAccess.FlushToDisk(_file.SafeFileHandle);
            _recorded = mark;
        }
    }

    public void Dispose() => _file.Dispose();

    private bool TryFlushLog()
    {
        try
        {
            using var log = File.OpenHandle(_log, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.FlushToDisk(log);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private static void Store(SqliteConnection connection, string name, string value)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO meta (name, value) VALUES ($0, $1) ON CONFLICT DO UPDATE SET value = excluded.value";
        command.Parameters.AddWithValue("$0", name);
        command.Parameters.AddWithValue("$1", value);
        command.ExecuteNonQuery();
    }

    private static (string Id, long Mark)? ReadStored(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'";
        if (command.ExecuteScalar() is null) return null;
        command.CommandText = "SELECT id.value, mark.value FROM meta AS id, meta AS mark WHERE id.name = 'id' AND mark.name = 'mark'";
        using var row = command.ExecuteReader();
        return row.Read() ? (row.GetString(0), long.Parse(row.GetString(1), CultureInfo.InvariantCulture)) : null;
    }

    // A power cut may leave a file whose content was not written. Then nothing is known.
    private static (string Id, long Mark)? Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        return File.Exists(path)
            && File.ReadAllText(path).Split(' ') is [Format, { Length: 32 } id, var text]
            && long.TryParse(text.TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var mark)
                ? (id, mark)
                : null;
    }

    private static ClusterException Refuse(string database, string problem, string advice) =>
        new(ErrorCode.Internal, $"{problem} {advice} \"store accept --data {DirectoryOf(database)}\" first.");

    private static string DirectoryOf(string database) => Path.GetDirectoryName(Path.GetFullPath(database))!;

    private static string Time(long mark) =>
        DateTimeOffset.FromUnixTimeMilliseconds(mark).ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
