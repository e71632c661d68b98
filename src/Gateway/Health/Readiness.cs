using Microsoft.Extensions.Hosting;

namespace CozeCluster.Gateway.Health;

/// <summary>Whether this node takes new turns. It stops taking them as soon as it is told to shut down.</summary>
internal sealed class Readiness(IHostApplicationLifetime lifetime)
{
    public bool Draining => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <exception cref="ClusterException"><see cref="ErrorCode.Draining"/>.</exception>
    public void ThrowIfDraining()
    {
        if (Draining) throw new ClusterException(ErrorCode.Draining, "This node is shutting down. Try again: another one will answer.");
    }
}
