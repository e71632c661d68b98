using CozeCluster.Silo.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using System.Net;

namespace CozeCluster.Silo.Cluster;

/// <summary>A silo that is alone: membership in memory, storage on SQLite, and no port of its own.</summary>
internal static class SingleNode
{
    public static ISiloBuilder UseSingleNode(this ISiloBuilder silo, NodeSettings settings)
    {
        silo.Configure<ClusterOptions>(cluster => cluster.ClusterId = cluster.ServiceId = "node");
        // The address only identifies the silo; nothing listens on it. Orleans does not accept 0 as the silo port; 0 as the gateway port means none.
        silo.Configure<EndpointOptions>(endpoint => (endpoint.AdvertisedIPAddress, endpoint.SiloPort, endpoint.GatewayPort) = (IPAddress.Loopback, 1, 0));
        silo.UseDevelopmentClustering(primarySiloEndpoint: null);
        silo.Services.CloseSiloPorts();
        return silo.AddSqliteStorage(storage =>
        {
            storage.DataDirectory = settings.Data;
            storage.Durability = settings.Durability;
        });
    }

    // The keys of these services are private to Orleans, so they are found by their types.
    private static void CloseSiloPorts(this IServiceCollection services)
    {
        foreach (var service in services.Where(service => service.IsKeyedService).ToList())
        {
            if (service.ServiceType == typeof(IConnectionListenerFactory))
                services.Replace(ServiceDescriptor.KeyedSingleton<IConnectionListenerFactory>(service.ServiceKey, new ClosedListener()));
            if (service.ServiceType == typeof(IConnectionFactory))
                services.Replace(ServiceDescriptor.KeyedSingleton<IConnectionFactory>(service.ServiceKey, new NoConnections()));
        }
    }

    /// <summary>A listener that binds no port and accepts no connection until it is closed.</summary>
    private sealed class ClosedListener : IConnectionListenerFactory, IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken)
        {
            EndPoint = endpoint;
            return new(this);
        }

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken) => new(_closed.Task.WaitAsync(cancellationToken));

        public ValueTask UnbindAsync(CancellationToken cancellationToken)
        {
            _closed.TrySetResult(null);
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync(CancellationToken.None);
    }

    private sealed class NoConnections : IConnectionFactory
    {
        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
            throw new NotSupportedException($"A single node has no other silos to connect to, but was asked for {endpoint}.");
    }
}
