using Microsoft.Extensions.Hosting;

namespace CozeCluster.Storage;

/// <summary>
/// Work before the first hosted service starts and after the last one has stopped, Orleans' silo included, whatever the order of registration.
/// This is not a stage of the silo's lifecycle, because Orleans would log an expected error, such as a locked data directory, twice and with its stack trace.
/// </summary>
internal abstract class HostLifecycleService : IHostedLifecycleService
{
    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Ends the start of a node with one clear message if its database cannot be used.</summary>
internal sealed class PostgresStartupCheck(PostgresStorageOptions options) : HostLifecycleService
{
    public override Task StartingAsync(CancellationToken cancellationToken) => PostgresSchema.VerifyAsync(options.ConnectionString, cancellationToken);
}
