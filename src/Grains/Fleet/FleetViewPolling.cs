using Microsoft.Extensions.Hosting;

namespace CozeCluster.Grains;

/// <summary>
/// Loads the view of the fleet when the process starts, and refreshes it once a second. The start of the host waits for the first load, so that a node is not
/// ready before it knows its keys and bots.
/// </summary>
internal sealed class FleetViewPolling(FleetView view, TimeProvider time, NetworkClock network) : BackgroundService
{
    internal static readonly TimeSpan LoadRetryDelay = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nodes that start at the same time may disturb each other, and a gateway waits for its first silo.
        while (await view.TryRefresh() is not null) await Task.Delay(LoadRetryDelay, network.Time, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // The nodes of a new cluster start together, and one of them has the fleet file.
            await Task.Delay(view.Version == 0 ? LoadRetryDelay : FleetView.PollInterval, time, stoppingToken);
            await view.TryRefresh();
        }
    }
}
