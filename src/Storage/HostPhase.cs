using Microsoft.Extensions.Hosting;

namespace CozeCluster.Storage;

/// <summary>
/// Work before the first hosted service starts and after the last one has stopped, Orleans' silo included, in whatever order they are registered.
/// Not a stage of the silo's lifecycle: Orleans would log an expected error, such as a locked data directory, twice with its stack trace.
/// </summary>
internal abstract class HostPhase : IHostedLifecycleService
{
    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
