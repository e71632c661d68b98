namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Simulates another process that hangs: its observer receives calls, but answers none before it is disposed.</summary>
public sealed class StuckProcess(IGrainFactory grains) : IReplyObserver, IDisposable
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReplyObserver? _reference;

    public FeedAddress Feed => new(_reference ??= grains.CreateObjectReference<IReplyObserver>(this), 1);

    public async ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches)
    {
        await _released.Task;
        return [.. batches.Select(_ => ReplyAck.Gone)];
    }

    public void Dispose() => _released.TrySetResult();
}
