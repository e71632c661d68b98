using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>
/// Sets a mark at most once a second while there are saves, and empties the write-ahead log when there have been none for a while. Does nothing else while
/// nothing is saved.
/// </summary>
internal sealed partial class SqliteUpkeep : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>How many periods without a save pass before the log is emptied.</summary>
    private const int IdlePeriods = 10;

    /// <summary>A smaller log is not emptied, in bytes.</summary>
    private const long SmallLog = 1 << 20;

    private readonly SqliteStore _store;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private long _commits;
    private int _idlePeriods;
    private ITimer? _timer;
    private Task _run = Task.CompletedTask;

    public SqliteUpkeep(SqliteStore store, ILogger logger)
    {
        _store = store;
        _logger = logger;
        _commits = store.CommitsWithoutMarks;
    }

    /// <summary>Runs once a second from now on. This is real time, because the age of the mark is that of saves on a real disk.</summary>
    public void Start() => _timer = TimeProvider.System.CreateTimer(static upkeep => _ = ((SqliteUpkeep)upkeep!).Run(), this, Period, Period);

    /// <summary>
    /// Does what is due, or waits for a run that has begun. Never throws: a database that cannot be written is reported by the saves.
    /// </summary>
    public Task Run()
    {
        lock (_gate) return _run.IsCompleted ? _run = RunOnce() : _run;
    }

    public void Dispose() => _timer?.Dispose();

    private async Task RunOnce()
    {
        try
        {
            var commits = _store.CommitsWithoutMarks;
            if (commits != _commits)
            {
                _idlePeriods = 0;
                if (await _store.SetMark(allocates: false).ConfigureAwait(false) is null) _commits = commits;
            }
            else if (++_idlePeriods % IdlePeriods == 0 && new FileInfo(SqliteMark.LogOf(_store.DatabasePath)) is { Exists: true, Length: > SmallLog })
            {
                _store.TruncateLog();
            }
        }
        catch (Exception e) when (e is ClusterException or SqliteException or IOException or UnauthorizedAccessException)
        {
            LogFailed(_logger, e.Message);
        }
    }

    [LoggerMessage(5, LogLevel.Debug, "The upkeep of the database failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
