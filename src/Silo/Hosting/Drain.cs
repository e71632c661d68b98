using CozeCluster.Grains;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// An orderly end. When the node begins to stop, readiness is off, and <see cref="NodeSettings.DrainNotice"/> later new turns are refused (the gateway does both) while it
/// still listens. Running requests, and turns that no other node could resume, get <see cref="NodeSettings.DrainTime"/> to end. Then such turns are ended in-band, and the
/// remaining requests are aborted. All hosted services stop after that: no service of Orleans implements the stage in which this runs.
/// </summary>
internal sealed partial class Drain(NodeSettings settings, NonResumableTurns turns, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService, IDisposable
{
    // What stopping may take besides.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CutOffTimeout = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cutOff = new();
    private TaskCompletionSource? _empty;
    private int _running;
    private bool _started;

    /// <summary>What stopping may take at most.</summary>
    public static TimeSpan TimeOf(NodeSettings settings) => NoticeOf(settings) + settings.DrainTime + Rest;

    /// <summary>Counts a request until it has ended.</summary>
    public async Task Invoke(HttpContext context, RequestDelegate next)
    {
        lock (_gate) _running++;
        try
        {
            await using (_cutOff.Token.UnsafeRegister(static state => ((HttpContext)state!).Abort(), context)) await next(context);
        }
        finally
        {
            lock (_gate)
            {
                if (--_running == 0) _empty?.TrySetResult();
            }
        }
    }

    /// <summary>Waits for running requests and turns; not on a node whose start has failed, which has none.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (!_started) return;
        await Task.Delay(NoticeOf(settings), time, cancellationToken);
        var empty = Empty(out var running);
        if (running == 0 && turns.Count == 0) return;
        Draining(running, turns.Count, settings.DrainTime.TotalSeconds);
        if (await Ends(Task.WhenAll(empty, turns.WhenEmpty), settings.DrainTime, cancellationToken)) return;
        if (turns.Count is > 0 and var left)
        {
            Ending(left);
            await turns.EndAll();
            // Requests that follow them end with them.
            await Ends(Task.WhenAll(empty, turns.WhenEmpty), EndTimeout, cancellationToken);
        }
        if (empty.IsCompleted) return;
        lock (_gate) running = _running;
        CuttingOff(running);
        await _cutOff.CancelAsync();
        await Ends(empty, CutOffTimeout, cancellationToken);
    }

    // Where nobody sends turns, nobody needs notice.
    private static TimeSpan NoticeOf(NodeSettings settings) => settings.ServesClients ? settings.DrainNotice : TimeSpan.Zero;

    private Task Empty(out int running)
    {
        lock (_gate)
        {
            running = _running;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (running == 0) _empty.TrySetResult();
            return _empty.Task;
        }
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

    public void Dispose() => _cutOff.Dispose();

    private async Task<bool> Ends(Task empty, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await empty.WaitAsync(timeout, time, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Stopping: {Running} requests and {Turns} turns that only this node can end have {Seconds} s to end")]
    private partial void Draining(int running, int turns, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "Cutting off {Running} requests that did not end in time")]
    private partial void CuttingOff(int running);

    [LoggerMessage(3, LogLevel.Warning, "Ending {Turns} turns that did not end in time and that only this node could have ended")]
    private partial void Ending(int turns);
}
