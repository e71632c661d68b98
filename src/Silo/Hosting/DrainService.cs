using CozeCluster.Grains;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Lets running requests and turns end before the node stops:
/// <list type="number">
/// <item>When the node begins to stop, it reports that it is not ready. <see cref="NodeSettings.DrainNotice"/> later it refuses new turns.
/// (The gateway does both.)</item>
/// <item>Running requests, and turns that no other node can resume, have <see cref="NodeSettings.DrainTime"/> to end.</item>
/// <item>The remaining turns of this kind are ended with an error inside their replies.</item>
/// <item>The remaining requests are aborted.</item>
/// </list>
/// All this runs in the first stage of stopping, <see cref="StoppingAsync"/>, which no other service uses. Kestrel, Orleans and the storage stop after it.
/// </summary>
internal sealed partial class DrainService(NodeSettings settings, NonResumableTurns turns, TimeProvider time, ILogger<DrainService> logger)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan EndTurnsTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(3);

    // For ending turns, for aborting requests, and for stopping all other services.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _abort = new();
    private TaskCompletionSource? _noRequests;
    private int _runningRequests;
    private bool _started;

    /// <summary>The longest time that an orderly stop of the node takes.</summary>
    public static TimeSpan MaxStopTime(NodeSettings settings) => NoticeOf(settings) + settings.DrainTime + StopTimeout;

    /// <summary>Middleware that counts running requests.</summary>
    public async Task Invoke(HttpContext context, RequestDelegate next)
    {
        lock (_gate) _runningRequests++;
        try
        {
            await using (_abort.Token.UnsafeRegister(static state => ((HttpContext)state!).Abort(), context)) await next(context);
        }
        finally
        {
            lock (_gate)
            {
                if (--_runningRequests == 0) _noRequests?.TrySetResult();
            }
        }
    }

    /// <summary>Waits for running requests and turns. A node that failed to start has none, and does not wait.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (!_started) return;
        await Task.Delay(NoticeOf(settings), time, cancellationToken);
        var noRequests = WaitForNoRequests(out var requests);
        if (requests == 0 && turns.Count == 0) return;
        LogDraining(requests, turns.Count, settings.DrainTime.TotalSeconds);
        if (await EndsInTime(Task.WhenAll(noRequests, turns.WhenEmpty), settings.DrainTime, cancellationToken)) return;
        if (turns.Count is > 0 and var remaining)
        {
            LogEndingTurns(remaining);
            await turns.EndAll();
            // The requests of these turns end too.
            await EndsInTime(Task.WhenAll(noRequests, turns.WhenEmpty), EndTurnsTimeout, cancellationToken);
        }
        if (noRequests.IsCompleted) return;
        lock (_gate) requests = _runningRequests;
        LogAborting(requests);
        await _abort.CancelAsync();
        await EndsInTime(noRequests, AbortTimeout, cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _started = true;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _abort.Dispose();

    // A node that serves no clients has no load balancer to wait for.
    private static TimeSpan NoticeOf(NodeSettings settings) => settings.ServesClients ? settings.DrainNotice : TimeSpan.Zero;

    private Task WaitForNoRequests(out int running)
    {
        lock (_gate)
        {
            running = _runningRequests;
            _noRequests ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (running == 0) _noRequests.TrySetResult();
            return _noRequests.Task;
        }
    }

    private async Task<bool> EndsInTime(Task task, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(timeout, time, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Stopping: waiting up to {Seconds} s for {Requests} requests, and {Turns} turns that no other node can resume")]
    private partial void LogDraining(int requests, int turns, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "Aborting {Requests} requests that did not end in time")]
    private partial void LogAborting(int requests);

    [LoggerMessage(3, LogLevel.Warning, "Ending {Turns} turns that did not end in time and that no other node can resume")]
    private partial void LogEndingTurns(int turns);
}
