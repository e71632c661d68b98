using CozeCluster.Silo.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using System.Net;

namespace CozeCluster.Silo.Cluster;

/// <summary>The silo of a single node, with membership in memory and storage on SQLite. It opens no port for other nodes.</summary>
internal static class SingleNode
{
    public static ISiloBuilder UseSingleNode(this ISiloBuilder silo, NodeSettings settings)
    {
        silo.Configure<ClusterOptions>(cluster => cluster.ClusterId = cluster.ServiceId = "node");
        // The address only identifies the silo; nothing listens there. Orleans requires a silo port above 0. GatewayPort is the client port: 0 disables it.
        silo.Configure<EndpointOptions>(endpoint => (endpoint.AdvertisedIPAddress, endpoint.SiloPort, endpoint.GatewayPort) = (IPAddress.Loopback, 1, 0));
        silo.UseDevelopmentClustering(primarySiloEndpoint: null);
        silo.Services.DisableConnections();
        return silo.AddSqliteStorage(storage =>
        {
            storage.DataDirectory = settings.Data;
            storage.Durability = settings.Durability;
        });
    }

    // The keys of these services are private to Orleans, so they are found by their types.
    private static void DisableConnections(this IServiceCollection services)
    {
        foreach (var service in services.Where(service => service.IsKeyedService).ToList())
        {
            if (service.ServiceType == typeof(IConnectionListenerFactory))
                services.Replace(ServiceDescriptor.KeyedSingleton<IConnectionListenerFactory>(service.ServiceKey, new PortlessListener()));
            if (service.ServiceType == typeof(IConnectionFactory))
                services.Replace(ServiceDescriptor.KeyedSingleton<IConnectionFactory>(service.ServiceKey, new NoConnections()));
        }
    }

    /// <summary>Binds no port, and accepts no connection.</summary>
    private sealed class PortlessListener : IConnectionListenerFactory, IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken)
        {
            EndPoint = endpoint;
            return new(this);
        }

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken) => new(_unbound.Task.WaitAsync(cancellationToken));

        public ValueTask UnbindAsync(CancellationToken cancellationToken)
        {
            _unbound.TrySetResult(null);
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync(CancellationToken.None);
    }

    private sealed class NoConnections : IConnectionFactory
    {
        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
            throw new NotSupportedException($"A single node has no other silos to connect to, but Orleans asked for {endpoint}.");
    }
}
