using System.Net.WebSockets;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>Serves the WebSockets of Real-Coze-API, and limits how many there are. Thread-safe.</summary>
internal sealed class RcaSockets(
    IFleetView fleet, ApiKeys keys, Readiness readiness, RcaTurns turns, GatewayMetrics metrics, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<RcaSockets> logger)
{
    /// <summary>The maximum number of WebSockets of this process.</summary>
    public const int MaxConnections = 1000;

    /// <summary>The maximum number of WebSockets of one tenant.</summary>
    public const int MaxConnectionsOfTenant = 200;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _ofTenants = [];
    private int _connections;

    public IFleetView Fleet => fleet;

    public ApiKeys Keys => keys;

    public Readiness Readiness => readiness;

    public RcaTurns Turns => turns;

    public GatewayMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    /// <summary>Takes a place for a WebSocket until the result is disposed.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.RateLimited"/>: the tenant has too many. <see cref="ErrorCode.Overloaded"/>: this process has.
    /// </exception>
    public IDisposable Enter(string tenantId)
    {
        lock (_gate)
        {
            var ofTenant = _ofTenants.GetValueOrDefault(tenantId);
            if (ofTenant >= MaxConnectionsOfTenant)
                throw new ClusterException(ErrorCode.RateLimited, $"You have {MaxConnectionsOfTenant} WebSockets here. Use one for several chats.");
            if (_connections >= MaxConnections) throw new ClusterException(ErrorCode.Overloaded, "This server has too many WebSockets. Retry later.");
            _connections++;
            _ofTenants[tenantId] = ofTenant + 1;
        }
        return new Place(this, tenantId);
    }

    /// <summary>Serves a WebSocket until it is closed. When the node stops, it is closed after its last reply.</summary>
    public async Task Serve(HttpContext context, WebSocket socket)
    {
        await using var connection = new RcaConnection(this, context, socket);
        await using (lifetime.ApplicationStopping.UnsafeRegister(static state => ((RcaConnection)state!).CloseAfterLastTurn(), connection))
            await connection.Receive();
    }

    private void Leave(string tenantId)
    {
        lock (_gate)
        {
            _connections--;
            if (--_ofTenants[tenantId] == 0) _ofTenants.Remove(tenantId);
        }
    }

    private sealed class Place(RcaSockets sockets, string tenantId) : IDisposable
    {
        public void Dispose() => sockets.Leave(tenantId);
    }
}
