using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>The one thread that writes: it commits all waiting writes in one transaction, so that a busy database needs a commit per group, not per save.</summary>
internal sealed class GroupCommit : IDisposable
{
    /// <summary>A bound on what one transaction makes all its writes wait for.</summary>
    private const int MaxGroup = 512;

    /// <summary>How many writes have to wait when a commit ends for the next one to gather more.</summary>
    private const int GatherFrom = 4;

    /// <summary>
    /// For how long a commit gathers writes where many wait: a larger group saves most of the cost of commits. A single save is committed at once, so that the
    /// first byte of a reply does not wait for others. Measured by the system clock, because it depends on the disk.
    /// </summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(1);

    private readonly SqliteConnection _connection;
    private readonly WriteStatements _statements;
    private readonly ILogger _logger;
    // A monitor, because it does not spin while it waits: with a few writes a second, spinning cost more than the writes.
    private readonly object _gate = new();
    private readonly Queue<StoreWrite> _waiting = new();
    private bool _closing;
    private readonly Thread _thread;
    private long _commits;

    public GroupCommit(SqliteConnection connection, TimeProvider time, ILogger logger)
    {
        _connection = connection;
        _statements = new WriteStatements(connection, time);
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "Grain storage" };
        _thread.Start();
    }

    public long Commits => Volatile.Read(ref _commits);

    /// <returns>Once committed: whether the write found what it expected.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Draining"/>: closed. <see cref="ErrorCode.Internal"/>: the database refused it.</exception>
    public Task<bool> Enqueue(StoreWrite write)
    {
        lock (_gate)
        {
            if (_closing) return Task.FromException<bool>(StorageErrors.Draining());
            _waiting.Enqueue(write);
            if (_waiting.Count == 1) Monitor.Pulse(_gate);
        }
        return write.Done;
    }

    /// <summary>Commits what waits, and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
        _statements.Dispose();
        _connection.Dispose();
    }

    private void Run()
    {
        var group = new List<StoreWrite>();
        while (Take(group))
        {
            Commit(group);
            group.Clear();
        }
    }

    /// <returns>False if nothing waits and the store is closing.</returns>
    private bool Take(List<StoreWrite> group)
    {
        lock (_gate)
        {
            if (_waiting.Count >= GatherFrom && !_closing) Monitor.Wait(_gate, Pace);
            while (_waiting.Count == 0 && !_closing) Monitor.Wait(_gate);
            while (group.Count < MaxGroup && _waiting.TryDequeue(out var next)) group.Add(next);
        }
        return group.Count > 0;
    }

    private void Commit(List<StoreWrite> group)
    {
        var begun = false;
        try
        {
            _statements.Begin.Run();
            begun = true;
            foreach (var write in group) write.Apply(_statements);
            _statements.Commit.Run();
        }
        catch (Exception e)
        {
            if (begun) Rollback();
            if (group.Count == 1)
            {
                Log.WriteFailed(_logger, e);
                group[0].Failed(new ClusterException(ErrorCode.Internal, "The service could not store its state.", inner: e));
                return;
            }
            // One write made the transaction fail for all, so each is tried in a transaction of its own.
            foreach (var write in group) Commit([write]);
            return;
        }
        Interlocked.Increment(ref _commits);
        foreach (var write in group) write.Committed();
    }

    private void Rollback()
    {
        try
        {
            _statements.Rollback.Run();
        }
        catch (SqliteException)
        {
            // SQLite rolls back by itself on some errors.
        }
    }
}
