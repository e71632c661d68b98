namespace CozeCluster.Silo.Hosting;

/// <summary>
/// An orderly end. Once the node is told to stop, readiness is off and new turns are refused (the gateway sees to both) while it still listens;
/// requests that run get <see cref="NodeSettings.DrainTime"/> to end and are cut off then. Listeners and engine stop after that.
/// </summary>
internal sealed partial class Drain(NodeSettings settings, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>What stopping may take besides draining.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan CutOffPatience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cutOff = new();
    private TaskCompletionSource? _empty;
    private int _running;

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

    /// <summary>Waits for running requests.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Task empty;
        int running;
        lock (_gate)
        {
            running = _running;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (running == 0) _empty.TrySetResult();
            empty = _empty.Task;
        }
        if (running == 0) return;
        Draining(running, settings.DrainTime.TotalSeconds);
        if (await Ends(empty, settings.DrainTime, cancellationToken)) return;
        lock (_gate) running = _running;
        CuttingOff(running);
        await _cutOff.CancelAsync();
        await Ends(empty, CutOffPatience, cancellationToken);
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

    [LoggerMessage(1, LogLevel.Information, "Stopping: {Running} requests have {Seconds} s to end")]
    private partial void Draining(int running, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "Cutting off {Running} requests that did not end in time")]
    private partial void CuttingOff(int running);
}
