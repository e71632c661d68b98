using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Health;

/// <summary>Finds out whether this node can take turns now: it is connected and not stopping, its storage takes saves, and the fleet can be read.</summary>
internal sealed partial class ReadyCheck(
    Readiness readiness, IStorageProbe storage, IFleetView fleet, ILogger<ReadyCheck> logger)
{
    private int _fleetIsMissing;

    /// <returns>Null if the node is ready; otherwise the reason, in one line.</returns>
    public async Task<string?> FindReason(CancellationToken cancellationToken)
    {
        if (readiness.IsDraining) return "This node is shutting down.";
        try
        {
            readiness.ThrowIfNotConnected();
        }
        catch (ClusterException e)
        {
            return e.Message;
        }
        return await storage.Check(cancellationToken) ?? CheckFleet();
    }

    private string? CheckFleet()
    {
        try
        {
            _ = fleet.Outline;
            if (fleet.Version == 0) throw new ClusterException(ErrorCode.CallRejected, "No fleet has been applied yet.");
        }
        catch (ClusterException e)
        {
            if (Interlocked.Exchange(ref _fleetIsMissing, 1) == 0) LogFleetMissing(e.Message);
            return "The fleet cannot be read.";
        }
        if (Interlocked.Exchange(ref _fleetIsMissing, 0) == 1) LogFleetFound();
        return null;
    }

    [LoggerMessage(10, LogLevel.Warning, "This node is not ready: The fleet cannot be read. {Reason}")]
    private partial void LogFleetMissing(string reason);

    [LoggerMessage(11, LogLevel.Information, "The fleet can be read again")]
    private partial void LogFleetFound();
}
