using Npgsql;
using Orleans.Runtime.Messaging;

namespace CozeCluster.Engine.Orleans;

/// <summary>What a caller gets to see of an exception.</summary>
internal static class Failure
{
    /// <summary>Cluster exceptions and cancellation pass; a call that Orleans could not bring home was rejected; everything else stays within.</summary>
    public static Exception Translate(Exception error) => error switch
    {
        ClusterException or OperationCanceledException => error,
        _ when IsUndelivered(error) || error is TimeoutException => new ClusterException(ErrorCode.EngineRejected, "The call could not be delivered. Try again.", inner: error),
        NpgsqlException { IsTransient: true } => new ClusterException(ErrorCode.EngineRejected, "The store cannot be reached. Try again.", inner: error),
        _ => new ClusterException(ErrorCode.Internal, "The service failed to handle this request.", inner: error),
    };

    /// <summary>
    /// Whether Orleans tells that there was nobody to hear the call, or that the silo that had it is gone. Of no kind of its own is what the grain directory says while it
    /// still maps keys to a silo that died; what grains throw never is one of these, since it has been translated where they are.
    /// </summary>
    public static bool IsUndelivered(Exception error) =>
        error is OrleansMessageRejectionException or SiloUnavailableException or ConnectionFailedException or GatewayTooBusyException or ClientNotAvailableException
        || error.GetType() == typeof(OrleansException);
}
