namespace CozeCluster.Engine.Orleans;

/// <summary>Around every call of a grain, where the grain is: fails those of one that could not come to life, and lets no exception out but our own.</summary>
internal sealed class IncomingCalls(OrleansSilo silo) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (context.TargetContext?.GetComponent<GrainLife>() is not { } life)
        {
            await context.Invoke();
            return;
        }
        FirstCall.Forget();
        try
        {
            if (life.Failure is { } failure) throw failure;
            await context.Invoke();
        }
        catch (Exception e) when (e is not (ClusterException or OperationCanceledException))
        {
            var id = context.TargetId;
            Log.CallFailed(silo.Logger, id.Type.ToString()!, context.MethodName, id.Key.ToString()!, e);
            throw Failure.Translate(e);
        }
        finally
        {
            if (life.LeavesAfterCall) life.Leave();
        }
    }
}
