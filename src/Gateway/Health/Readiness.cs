using Microsoft.Extensions.Hosting;

namespace CozeCluster.Gateway.Health;

/// <summary>
/// Whether this node is ready, and whether it takes new turns. It is not ready as soon as it is told to shut down; turns it takes until <see cref="GatewayOptions.DrainNotice"/> later,
/// so that none is refused which a load balancer sent here before it noticed.
/// </summary>
internal sealed class Readiness
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly bool _listensBeforeConnected;
    private readonly TimeProvider _time;
    private long _refusesFrom = long.MaxValue;

    public Readiness(IHostApplicationLifetime lifetime, GatewayOptions options, TimeProvider time)
    {
        _lifetime = lifetime;
        _listensBeforeConnected = options.ListensBeforeConnected;
        _time = time;
        lifetime.ApplicationStopping.Register(() => Volatile.Write(ref _refusesFrom, time.FromNow(options.DrainNotice)));
    }

    public bool Draining => _lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Has to be called before a grain is: Orleans' client does not know the types of grains until it has connected for the first time.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: see <see cref="GatewayOptions.ListensBeforeConnected"/>.</exception>
    public void ThrowIfNotConnected()
    {
        if (_listensBeforeConnected && !_lifetime.ApplicationStarted.IsCancellationRequested)
            throw new ClusterException(ErrorCode.CallRejected, "This node is not connected to its cluster yet. Try again.");
    }

    /// <exception cref="ClusterException"><see cref="ErrorCode.Draining"/>.</exception>
    public void ThrowIfRefusing()
    {
        if (_time.GetTimestamp() >= Volatile.Read(ref _refusesFrom)) throw new ClusterException(ErrorCode.Draining, "This node is shutting down. Try again: another one will answer.");
    }
}
