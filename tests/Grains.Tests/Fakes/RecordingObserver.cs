using System.Text;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Collects what it is posted, and lets a test wait for it.</summary>
public sealed class RecordingObserver : IReplyInbox
{
    private readonly Lock _gate = new();
    private readonly List<ReplyEvent> _events = [];
    private readonly List<(Func<RecordingObserver, bool> Condition, TaskCompletionSource Met)> _waiters = [];
    private readonly StringBuilder _text = new();

    /// <summary>What to answer; tests change it to play a slow or a closed inbox.</summary>
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
        Note(batch);
        return ack;
    }

    /// <summary>Takes a batch that was read instead of heard.</summary>
    public void Note(ReplyBatch batch)
    {
        lock (_gate)
        {
            if (batch.Events.Count == 0) EmptyBatches++;
            _events.AddRange(batch.Events);
            foreach (var text in batch.Events.OfType<ReplyText>())
            {
                // A subscription that was delivered twice begins twice: the cursor tells what is known.
                var known = text.Part < Cursor.Part ? text.Text.Length : text.Part > Cursor.Part ? 0 : Math.Clamp(Cursor.Offset - text.Offset, 0, text.Text.Length);
                _text.Append(text.Text[known..]);
            }
            if (batch.Next.CompareTo(Cursor) > 0) Cursor = batch.Next;
            foreach (var (condition, met) in _waiters)
            {
                if (condition(this)) met.TrySetResult();
            }
        }
    }

    public Task Until(Func<RecordingObserver, bool> condition)
    {
        lock (_gate)
        {
            if (condition(this)) return Task.CompletedTask;
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, met));
            return met.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public Task UntilText(string text) => Until(observer => observer.Text == text);

    public async Task<ReplyEvent> UntilEnd()
    {
        await Until(observer => observer.End is not null);
        return End!;
    }
}
