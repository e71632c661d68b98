namespace CozeCluster.Gateway.Observing;

/// <summary>Batches on their way from a grain to a client; bounded, so that a slow client costs a bounded amount of memory. Thread-safe.</summary>
internal sealed class ReplyQueue
{
    /// <summary>Characters it holds before it is full.</summary>
    public const int MaxChars = 256 * 1024;

    /// <summary>Batches it holds before it is full.</summary>
    public const int MaxBatches = 64;

    private readonly Lock _gate = new();
    private readonly Queue<ReplyBatch> _batches = new(4);
    private int _chars;

    public bool TryAdd(ReplyBatch batch)
    {
        var chars = CharsOf(batch);
        lock (_gate)
        {
            if (_batches.Count > 0 && (_batches.Count >= MaxBatches || _chars + chars > MaxChars)) return false;
            _batches.Enqueue(batch);
            _chars += chars;
            return true;
        }
    }

    public bool TryTake(out ReplyBatch batch)
    {
        lock (_gate)
        {
            if (!_batches.TryDequeue(out batch!)) return false;
            _chars -= CharsOf(batch);
            return true;
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _batches.Clear();
            _chars = 0;
        }
    }

    private static int CharsOf(ReplyBatch batch)
    {
        var chars = 0;
        for (var i = 0; i < batch.Events.Count; i++)
        {
            chars += batch.Events[i] switch
            {
                ReplyText text => text.Text.Length,
                ReplyReasoning reasoning => reasoning.Text.Length,
                ReplyItemAdded { Item: ToolCallItem call } => call.Arguments.Length,
                ReplyItemAdded { Item: ToolOutputItem output } => output.Output.Length,
                ReplyItemAdded { Item: KnowledgeItem knowledge } => knowledge.Content.Length,
                ReplyItemAdded { Item: OtherItem notice } => notice.Content.Length,
                ReplyItemAdded { Item: CardItem card } => card.Content.Length,
                _ => 64,
            };
        }
        return chars;
    }
}
