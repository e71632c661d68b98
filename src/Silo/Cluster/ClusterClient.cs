using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using Orleans.Configuration;

namespace CozeCluster.Silo.Cluster;

/// <summary>The Orleans client of a gateway, which is a node without a silo.</summary>
internal static class ClusterClient
{
    public static IClientBuilder UseCluster(this IClientBuilder client, ClusterSettings cluster, ClusterTls? tls)
    {
        client.Configure<ClusterOptions>(cluster.Configure);
        client.Configure<GatewayOptions>(silos => silos.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
        client.UseAdoNetClustering(table =>
        {
            table.Invariant = ClusterSettings.Invariant;
            table.ConnectionString = ConnectionStrings.WithDefaults(cluster.Postgres);
        });
        client.UseConnectionRetryFilter<SiloConnectionRetry>();
        // The connection to a silo is lost when the silo stops or fails. What Orleans calls a gateway here is the client port of a silo.
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

/// <summary>Makes a client that starts before the first silo wait for one.</summary>
internal sealed partial class SiloConnectionRetry(TimeProvider time, ILogger<SiloConnectionRetry> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);
    private bool _logged;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_logged) LogWaiting(exception.Message);
        _logged = true;
        await Task.Delay(Delay, time, cancellationToken);
        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for a silo of the cluster: {Reason}")]
    private partial void LogWaiting(string reason);
}
