using System.Runtime.InteropServices;
using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Hosting;

/// <summary>Something that an operator should know, found before the node had a log.</summary>
/// <param name="Text">A line for the log.</param>
internal sealed record StartWarning(string Text);

/// <summary>Something that an operator wants to see once, found before the node had a log.</summary>
/// <param name="Text">A line for the log.</param>
internal sealed record StartNotice(string Text);

/// <summary>Starts a node, and waits until it has stopped.</summary>
internal static partial class NodeRunner
{
    private static readonly TimeSpan FailedStartTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Starts the node, logs its addresses, and returns when it has stopped.</summary>
    public static async Task RunNode(this WebApplication app, NodeSettings settings)
    {
        using var signals = new StopSignals(app.Lifetime);
        if (!await TryStart(app))
        {
            Console.Error.WriteLine("The node was stopped before it had started.");
            return;
        }
        app.Services.GetRequiredService<StartPhase>().IsOver = true;
        foreach (var notice in app.Services.GetServices<StartNotice>()) LogNotice(app.Logger, notice.Text);
        foreach (var warning in settings.Warnings.Concat(app.Services.GetServices<StartWarning>().Select(warning => warning.Text)))
            LogWarning(app.Logger, warning);
        foreach (var url in app.Urls) LogListening(app.Logger, url);
        if (settings.Sandbox) Console.WriteLine(SandboxGreeting.For(app.Urls.First(), settings.Swagger));
        await app.WaitForShutdownAsync();
    }

    /// <returns>False if the node was asked to stop before it had started.</returns>
    private static async Task<bool> TryStart(WebApplication app)
    {
        try
        {
            await app.StartAsync();
            return true;
        }
        catch
        {
            var isStopped = app.Lifetime.ApplicationStopping.IsCancellationRequested;
            await StopAfterFailedStart(app);
            if (isStopped) return false;
            throw;
        }
    }

    // The host would dispose the services that have started without stopping them, while grains are still running.
    private static async Task StopAfterFailedStart(WebApplication app)
    {
        using var limit = new CancellationTokenSource(FailedStartTimeout, TimeProvider.System);
        try
        {
            await app.StopAsync(limit.Token);
        }
        catch (Exception exception)
        {
            // Services that have not started may fail to stop. The exception of the start is more useful than this one.
            LogNotStopped(app.Logger, exception);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Listening on {Url}")]
    private static partial void LogListening(ILogger logger, string url);

    [LoggerMessage(3, LogLevel.Debug, "After its failed start, the node could not stop in order")]
    private static partial void LogNotStopped(ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "{Notice}")]
    private static partial void LogNotice(ILogger logger, string notice);

    [LoggerMessage(2, LogLevel.Warning, "{Warning}")]
    private static partial void LogWarning(ILogger logger, string warning);
}

/// <summary>Counts SIGINT (Ctrl+C) and SIGTERM. The first signal stops the node in order, also during its start; the second ends the process at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    public StopSignals(IHostApplicationLifetime lifetime)
    {
        _lifetime = lifetime;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void OnSignal(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(ExitCodes.Interrupted);
        _lifetime.StopApplication();
    }
}

/// <summary>
/// Ends the process if stopping takes too long, for example because the database does not answer. Other nodes resume its turns, as after a crash.
/// </summary>
internal sealed class StopWatchdog : IDisposable
{
    /// <summary>The time that a host needs to exit after its own shutdown timeout.</summary>
    public static readonly TimeSpan HostExitTime = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _expired;
    private CancellationTokenRegistration _stopping;

    /// <param name="timeout">How long stopping may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="exit">Ends the process.</param>
    public StopWatchdog(TimeSpan timeout, TimeProvider time, Action exit)
    {
        _timeout = timeout;
        _expired = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _expired.Token.Register(exit);
    }

    /// <summary>Starts the timeout when the token is cancelled. <see cref="Dispose"/> ends it.</summary>
    public void Watch(CancellationToken stopping) => _stopping = stopping.Register(() => _expired.CancelAfter(_timeout));

    public void Dispose()
    {
        _stopping.Dispose();
        _expired.Dispose();
    }
}
