using System.Text;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>A subscriber that records the batches it receives. Tests can wait for them.</summary>
public sealed class RecordingSubscriber : IReplyInbox
{
    private readonly Lock _gate = new();
    private readonly List<ReplyEvent> _events = [];
    private readonly List<(Func<RecordingSubscriber, bool> Condition, TaskCompletionSource Met)> _waiters = [];
    private readonly StringBuilder _text = new();

    /// <summary>The answer to batches. Tests change it to simulate a full or closed inbox.</summary>
    public Func<ReplyBatch, ReplyAck> Answer { get; set; } = _ => ReplyAck.Taken;

    public string Text
    {
        get { lock (_gate) return _text.ToString(); }
    }

    public Cursor Cursor { get; private set; }

    public int EmptyBatches { get; private set; }

    public IReadOnlyList<ReplyEvent> Events
    {
        get { lock (_gate) return [.. _events]; }
    }

    public ReplyEvent? End
    {
        get { lock (_gate) return _events.LastOrDefault(one => one is ReplyCompleted or ReplyFailed); }
    }

    public ReplyAck TryPost(ReplyBatch batch)
    {
        var ack = Answer(batch);
        if (ack != ReplyAck.Taken) return ack;
        Add(batch);
        return ack;
    }

    /// <summary>Records a batch that the test has read.</summary>
    public void Add(ReplyBatch batch)
    {
        lock (_gate)
        {
            if (batch.Events.Count == 0) EmptyBatches++;
            _events.AddRange(batch.Events);
            foreach (var text in batch.Events.OfType<ReplyText>())
            {
                // Text may arrive twice, for example after a second subscription. The cursor tells which part is known.
                var known = text.Part.CompareTo(Cursor.Part) switch
                {
                    < 0 => text.Text.Length,
                    > 0 => 0,
                    _ => Math.Clamp(Cursor.Offset - text.Offset, 0, text.Text.Length),
                };
                _text.Append(text.Text[known..]);
            }
            if (batch.Next.CompareTo(Cursor) > 0) Cursor = batch.Next;
            foreach (var (condition, met) in _waiters)
            {
                if (condition(this)) met.TrySetResult();
            }
        }
    }

    public Task Until(Func<RecordingSubscriber, bool> condition)
    {
        lock (_gate)
        {
            if (condition(this)) return Task.CompletedTask;
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, met));
            return met.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public Task UntilText(string text) => Until(subscriber => subscriber.Text == text);

    public async Task<ReplyEvent> UntilEnd()
    {
        await Until(subscriber => subscriber.End is not null);
        return End!;
    }
}
