using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace CozeCluster.Grains.Testing;

/// <summary>Configures a silo that is alone in its cluster. It opens no ports, so many such silos can run at the same time.</summary>
internal static class NoNetwork
{
    public static void Use(ISiloBuilder silo)
    {
        silo.Configure<EndpointOptions>(endpoints => (endpoints.AdvertisedIPAddress, endpoints.SiloPort, endpoints.GatewayPort) = (IPAddress.Loopback, 1, 0));
        silo.UseDevelopmentClustering(primarySiloEndpoint: null);
        foreach (var service in silo.Services.Where(service => service.IsKeyedService).ToArray())
        {
            var (type, key) = (service.ServiceType, service.ServiceKey);
            if (type == typeof(IConnectionListenerFactory)) silo.Services.AddKeyedSingleton<IConnectionListenerFactory>(key, new NoListeners());
            if (type == typeof(IConnectionFactory)) silo.Services.AddKeyedSingleton<IConnectionFactory>(key, new NoConnections());
        }
    }

    private sealed class NoListeners : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Listener(endpoint));
    }

    private sealed class Listener(EndPoint endpoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endpoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_unbound.Task.WaitAsync(cancellationToken));

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _unbound.TrySetResult(null);
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    private sealed class NoConnections : IConnectionFactory
    {
        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("This silo is alone in its cluster.");
    }
}
