using Microsoft.Extensions.Logging;

namespace CozeCluster;

/// <summary>
/// Tests a storage when somebody asks, but at most once a second, so that many questions cost nothing. While the storage is not usable, it is tested every two
/// seconds. The log has one line when it becomes unusable, and one when it is usable again. Thread-safe.
/// </summary>
/// <param name="probe">The test.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class StorageWatch(IStorageProbe probe, TimeProvider time, ILogger<StorageWatch> logger) : IStorageProbe, IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposed = new();
    private Task<string?> _check = Task.FromResult<string?>(null);
    private Task<string?>? _running;
    private long _endedAt;
    private bool _hasChecked;

    // A test has ended when its result is known. Its task completes a moment later, and a retry must not be lost in between.
    private bool _isTesting;
    private ITimer? _retry;
    private string? _reason;

    /// <inheritdoc />
    public Task<string?> Check(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_isTesting && !(_hasChecked && time.GetElapsedTime(_endedAt) < MaxAge)) Start();
            return _check.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Tests the storage now, because it has just refused to work. Returns at once.</summary>
    public void CheckNow()
    {
        lock (_gate)
        {
            // If it is known that the storage is not usable, the next test is due soon.
            if (!_isTesting && _reason is null) Start();
        }
    }

    /// <summary>Ends the tests.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed.IsCancellationRequested) return;
            _disposed.Cancel();
            _retry?.Dispose();
        }
    }

    private void Start()
    {
        if (_disposed.IsCancellationRequested) return;
        _isTesting = true;
        _check = Task.Run(Run);
    }

    private async Task<string?> Run()
    {
        var (reason, exception) = await Ask().ConfigureAwait(false);
        lock (_gate)
        {
            _isTesting = false;
            _endedAt = time.GetTimestamp();
            _hasChecked = true;
            if (_disposed.IsCancellationRequested) return reason;
            if (reason is not null && _reason is null) LogUnusable(exception, reason);
            if (reason is null && _reason is not null) LogUsable();
            _reason = reason;
            _retry?.Dispose();
            _retry = reason is null ? null : time.CreateTimer(static watch => ((StorageWatch)watch!).Retry(), this, RetryDelay, Timeout.InfiniteTimeSpan);
        }
        return reason;
    }

    private void Retry()
    {
        lock (_gate)
        {
            if (!_isTesting) Start();
        }
    }

    private async Task<(string? Reason, Exception? Exception)> Ask()
    {
        try
        {
            // A test that does not end is not started a second time.
            if (_running is null or { IsCompleted: true }) _running = probe.Check(_disposed.Token);
            return (await _running.WaitAsync(MaxWait, time).ConfigureAwait(false), null);
        }
        catch (TimeoutException)
        {
            return ("The storage has not answered for two seconds.", null);
        }
        catch (ClusterException e)
        {
            return (e.Message, null);
        }
        catch (Exception e)
        {
            return ("The storage cannot be tested. See the log of the node.", e);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "This node is not ready: {Reason}")]
    private partial void LogUnusable(Exception? exception, string reason);

    [LoggerMessage(2, LogLevel.Information, "The storage can be used again")]
    private partial void LogUsable();
}
