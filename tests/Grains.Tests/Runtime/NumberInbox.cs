namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>An inbox that records the numbers of batches, up to a capacity.</summary>
public sealed class NumberInbox(int capacity = int.MaxValue) : IReplyInbox
{
    private readonly Lock _gate = new();
    private readonly List<int> _numbers = [];
    private readonly List<(int Count, TaskCompletionSource Met)> _waiters = [];

    public IReadOnlyList<int> Numbers
    {
        get { lock (_gate) return [.. _numbers]; }
    }

    public ReplyAck TryPost(ReplyBatch batch)
    {
        lock (_gate)
        {
            if (_numbers.Count == capacity) return ReplyAck.Full;
            _numbers.Add(batch.Next.Offset);
            foreach (var (count, met) in _waiters)
            {
                if (_numbers.Count >= count) met.TrySetResult();
            }
            return ReplyAck.Taken;
        }
    }

    public Task Until(int count)
    {
        lock (_gate)
        {
            if (_numbers.Count >= count) return Task.CompletedTask;
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, met));
            return met.Task;
        }
    }
}
