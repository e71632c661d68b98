using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using Orleans.Configuration;

namespace CozeCluster.Silo.Cluster;

/// <summary>A node without a silo: an Orleans client of the cluster.</summary>
internal static class ClusterGateway
{
    public static IClientBuilder UseClusterGateway(this IClientBuilder client, ClusterSettings cluster, NodeTls? tls)
    {
        client.Configure<ClusterOptions>(cluster.Name);
        client.Configure<GatewayOptions>(silos => silos.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
        client.UseAdoNetClustering(table => (table.Invariant, table.ConnectionString) = (ClusterSettings.Invariant, ConnectionStrings.WithDefaults(cluster.Postgres)));
        client.UseConnectionRetryFilter<SiloWait>();
        // The connections of a silo end with it, however it ends.
        client.AddGatewayCountChangedHandler(services =>
        {
            var departures = services.GetRequiredService<SiloDepartures>();
            return (_, silos) =>
            {
                if (silos.NumberOfConnectedGateways < silos.PreviousNumberOfConnectedGateways) departures.Publish();
            };
        });
        tls?.Secure(client);
        client.Services.AddPostgresBlobs(storage => storage.ConnectionString = cluster.Postgres);
        return client;
    }
}

/// <summary>A client that starts before any silo waits for one.</summary>
internal sealed partial class SiloWait(TimeProvider time, ILogger<SiloWait> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private bool _logged;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_logged) Waiting(exception.Message);
        _logged = true;
        await Task.Delay(Pause, time, cancellationToken);
        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for a silo of the cluster: {Reason}")]
    private partial void Waiting(string reason);
}
