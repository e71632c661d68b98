namespace CozeCluster.Engine.Embedded;

/// <summary>What a caller gets to see of an exception.</summary>
internal static class Failure
{
    private const string Hidden = "The service failed to handle this request.";

    /// <summary>Cluster exceptions and cancellation pass; everything else is logged and becomes <see cref="ErrorCode.Internal"/>.</summary>
    public static Exception ForCaller(Exception error, GrainKind kind, string key, string method)
    {
        var engine = kind.Engine;
        if (error is not (ClusterException or OperationCanceledException)) Log.CallFailed(engine.Logger, kind.Name, method, key, error);
        return Translate(error, engine);
    }

    /// <summary>As <see cref="ForCaller"/>, for what an observer threw.</summary>
    public static Exception ForGrain(Exception error, EmbeddedEngine engine, string method)
    {
        if (error is not (ClusterException or OperationCanceledException)) Log.ObserverFailed(engine.Logger, method, error);
        return Translate(error, engine);
    }

    /// <summary>The same without a log entry.</summary>
    public static Exception Translate(Exception error, EmbeddedEngine engine) => error switch
    {
        // What crosses a process loses its cause.
        ClusterException e when engine.Faults is not null => e.ToError().ToException(),
        ClusterException or OperationCanceledException => error,
        _ => new ClusterException(ErrorCode.Internal, Hidden, inner: engine.Faults is null ? error : null),
    };
}
