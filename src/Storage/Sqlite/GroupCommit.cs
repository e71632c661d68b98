using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>A write that waits for its transaction.</summary>
/// <param name="execute">Runs inside the transaction, on the writing thread. Returns false if the stored version is not the expected one.</param>
internal sealed class QueuedWrite(Func<SqliteWriteStatements, bool> execute)
{
    private readonly TaskCompletionSource<bool> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _result;

    /// <summary>Completes when the transaction is committed, with the result of the write.</summary>
    public Task<bool> Completion => _completion.Task;

    public void Execute(SqliteWriteStatements statements) => _result = execute(statements);

    public void SetCommitted() => _completion.TrySetResult(_result);

    public void SetFailed(Exception error) => _completion.TrySetException(error);
}

/// <summary>
/// The only thread that writes. It commits all waiting writes in one transaction, so that a busy database needs one commit for a group and not one for each
/// save.
/// </summary>
internal sealed partial class GroupCommit : IDisposable
{
    /// <summary>The largest number of writes in one transaction. It limits how long a write waits for the others.</summary>
    private const int MaxGroupSize = 512;

    /// <summary>If this many writes wait when a commit ends, the next commit waits for more.</summary>
    private const int GatherThreshold = 4;

    /// <summary>
    /// How long a commit waits for more writes while many are waiting: a larger group saves most of the cost of commits. A single save is committed at once, so
    /// that the first byte of a reply does not wait. This is real time and not <see cref="TimeProvider"/>, because it depends on the speed of the disk.
    /// </summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(1);

    private readonly SqliteConnection _connection;
    private readonly SqliteWriteStatements _statements;
    private readonly ILogger _logger;
    // A monitor does not spin while it waits. With few writes a second, spinning costs more than the writes.
    private readonly object _gate = new();
    private readonly Queue<QueuedWrite> _queue = new();
    private bool _isClosing;
    private readonly Thread _thread;
    private readonly Action _failed;
    private bool _isFailing;
    private long _commits;

    /// <param name="connection">The connection that writes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="failed">Called on the writing thread after the database has refused a write.</param>
    public GroupCommit(SqliteConnection connection, TimeProvider time, ILogger logger, Action failed)
    {
        _connection = connection;
        _statements = new SqliteWriteStatements(connection, time);
        _logger = logger;
        _failed = failed;
        _thread = new Thread(Run) { IsBackground = true, Name = "Grain storage" };
        _thread.Start();
    }

    /// <summary>The number of transactions committed so far, for tests.</summary>
    public long Commits => Volatile.Read(ref _commits);

    /// <returns>The result of the write, when it is committed.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.Draining"/>: the storage is closed. <see cref="ErrorCode.Internal"/>: the database refused the write.
    /// </exception>
    public Task<bool> Enqueue(QueuedWrite write)
    {
        lock (_gate)
        {
            if (_isClosing) return Task.FromException<bool>(StorageErrors.Draining());
            _queue.Enqueue(write);
            if (_queue.Count == 1) Monitor.Pulse(_gate);
        }
        return write.Completion;
    }

    /// <summary>Commits the waiting writes, and closes the connection.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
        _statements.Dispose();
        _connection.Dispose();
    }

    private void Run()
    {
        var group = new List<QueuedWrite>();
        while (TakeGroup(group))
        {
            Commit(group);
            group.Clear();
        }
    }

    /// <returns>False if no write waits and the storage is closing.</returns>
    private bool TakeGroup(List<QueuedWrite> group)
    {
        lock (_gate)
        {
            if (_queue.Count >= GatherThreshold && !_isClosing) Monitor.Wait(_gate, GatherTime);
            while (_queue.Count == 0 && !_isClosing) Monitor.Wait(_gate);
            while (group.Count < MaxGroupSize && _queue.TryDequeue(out var next)) group.Add(next);
        }
        return group.Count > 0;
    }

    private void Commit(List<QueuedWrite> group)
    {
        var hasBegun = false;
        try
        {
            _statements.Begin.Run();
            hasBegun = true;
            foreach (var write in group) write.Execute(_statements);
            _statements.Commit.Run();
        }
        catch (Exception e)
        {
            if (hasBegun) Rollback();
            if (group.Count == 1)
            {
                ReportFailure(e);
                const string Failure = "The database refused a write.";
                group[0].SetFailed(e is SqliteException error
                    ? SqliteFaults.ToClusterException(error, Failure)
                    : new ClusterException(ErrorCode.Internal, $"{Failure} See the log of the node.", inner: e));
                return;
            }
            // One write has failed the transaction for all, so each is written in a transaction of its own.
            foreach (var write in group) Commit([write]);
            return;
        }
        _isFailing = false;
        Interlocked.Increment(ref _commits);
        foreach (var write in group) write.SetCommitted();
    }

    // While the disk is full, each write fails for the same reason: the first one of a series is logged.
    private void ReportFailure(Exception error)
    {
        if (error is not SqliteException sqlite)
        {
            LogWriteFailed(_logger, error);
            return;
        }
        if (!_isFailing) LogRefused(_logger, SqliteFaults.Describe(sqlite, _connection.DataSource));
        _isFailing = true;
        _failed();
    }

    private void Rollback()
    {
        try
        {
            _statements.Rollback.Run();
        }
        catch (SqliteException)
        {
            // After some errors SQLite has rolled back by itself.
        }
    }

    [LoggerMessage(30, LogLevel.Error, "A write failed")]
    private static partial void LogWriteFailed(ILogger logger, Exception exception);

    [LoggerMessage(32, LogLevel.Error, "The database refused a write: {Reason}")]
    private static partial void LogRefused(ILogger logger, string reason);
}
