using Microsoft.Extensions.Hosting;

namespace CozeCluster.Gateway.Surfaces.Health;

/// <summary>
/// Whether this node is ready, and whether it accepts new turns. The node is not ready as soon as its shutdown begins. It still accepts turns for
/// <see cref="GatewayOptions.DrainNotice"/> after that, so that it rejects none that a load balancer sent before the balancer noticed the shutdown.
/// </summary>
internal sealed class Readiness
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly bool _servesBeforeConnected;
    private readonly TimeProvider _time;
    private long _rejectsFrom = long.MaxValue;

    public Readiness(IHostApplicationLifetime lifetime, GatewayOptions options, TimeProvider time)
    {
        _lifetime = lifetime;
        _servesBeforeConnected = options.ServesBeforeConnected;
        _time = time;
        lifetime.ApplicationStopping.Register(() => Volatile.Write(ref _rejectsFrom, time.FromNow(options.DrainNotice)));
    }

    /// <summary>Whether the shutdown of the node has begun.</summary>
    public bool IsDraining => _lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Must be called before a grain is called: Orleans' client does not know the types of grains until it has connected for the first time.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: see <see cref="GatewayOptions.ServesBeforeConnected"/>.</exception>
    public void ThrowIfNotConnected()
    {
        if (_servesBeforeConnected && !_lifetime.ApplicationStarted.IsCancellationRequested)
            throw new ClusterException(ErrorCode.CallRejected, "This node is not connected to its cluster yet. Retry in a moment.");
    }

    /// <summary>Must be called before a turn is started.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Draining"/>.</exception>
    public void ThrowIfDraining()
    {
        if (_time.GetTimestamp() >= Volatile.Read(ref _rejectsFrom))
            throw new ClusterException(ErrorCode.Draining, "This node is shutting down and accepts no new turns. Retry in a moment.");
    }
}
