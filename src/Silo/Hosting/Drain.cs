using CozeCluster.Grains;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// An orderly end. Once the node is told to stop, readiness is off, and <see cref="NodeSettings.DrainNotice"/> later new turns are refused (the gateway sees to both) while it
/// still listens; requests that run, and turns that no other node could go on with, get <see cref="NodeSettings.DrainTime"/> to end. Then such turns are ended in-band, and what
/// requests are left are cut off. Listeners and engine stop after that.
/// </summary>
internal sealed partial class Drain(NodeSettings settings, UnsavedTurns turns, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService, IDisposable
{
    // What stopping may take besides.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CutOffPatience = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cutOff = new();
    private TaskCompletionSource? _empty;
    private int _running;

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

    /// <summary>Waits for running requests and turns.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(NoticeOf(settings), time, cancellationToken);
        var empty = Empty(out var running);
        if (running == 0 && turns.Count == 0) return;
        Draining(running, turns.Count, settings.DrainTime.TotalSeconds);
        if (await Ends(Task.WhenAll(empty, turns.None), settings.DrainTime, cancellationToken)) return;
        if (turns.Count is > 0 and var left)
        {
            Ending(left);
            await turns.End();
            // Whoever listens to them here hears it, and has what it asked for.
            await Ends(Task.WhenAll(empty, turns.None), EndPatience, cancellationToken);
        }
        if (empty.IsCompleted) return;
        lock (_gate) running = _running;
        CuttingOff(running);
        await _cutOff.CancelAsync();
        await Ends(empty, CutOffPatience, cancellationToken);
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

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _cutOff.Dispose();

    private async Task<bool> Ends(Task empty, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await empty.WaitAsync(patience, time, cancellationToken);
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
