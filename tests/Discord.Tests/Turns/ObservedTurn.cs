using System.Text;

namespace CozeCluster.Discord.Tests;

/// <summary>A turn as its subscriber receives it: the current text of each part.</summary>
internal sealed class ObservedTurn(string id, IConversationGrain grain) : IReplyInbox
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(45);

    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, StringBuilder> _parts = [];
    private readonly List<ReplyEvent> _events = [];
    private readonly List<(Func<ObservedTurn, bool> Condition, TaskCompletionSource Met)> _waiters = [];

    public string Id => id;

    public IConversationGrain Grain => grain;

    public Cursor Cursor { get; private set; }

    /// <summary>The text of all parts.</summary>
    public string Text
    {
        get { lock (_gate) return string.Concat(_parts.Values); }
    }

    /// <summary>The text and the position after it, as one.</summary>
    public (string Text, Cursor Cursor) Received
    {
        get { lock (_gate) return (string.Concat(_parts.Values), Cursor); }
    }

    public IReadOnlyList<string> Parts
    {
        get { lock (_gate) return [.. _parts.Values.Select(part => part.ToString())]; }
    }

    public IReadOnlyList<ReplyEvent> Events
    {
        get { lock (_gate) return [.. _events]; }
    }

    public ReplyEvent? End => Events.LastOrDefault(e => e is ReplyCompleted or ReplyFailed);

    public Error? Error => (End as ReplyFailed)?.Error;

    public ReplyOrigin? Origin => End switch
    {
        ReplyCompleted completed => completed.Origin,
        ReplyFailed failed => failed.Origin,
        _ => null,
    };

    public IEnumerable<T> Items<T>() where T : ReplyItem => Events.OfType<ReplyItemAdded>().Select(added => added.Item).OfType<T>();

    public ReplyAck TryPost(ReplyBatch batch)
    {
        lock (_gate)
        {
            foreach (var e in batch.Events)
            {
                _events.Add(e);
                if (e is ReplyText text) Part(text.Part).Append(text.Text);
                if (e is ReplyRewritten rewritten) Part(rewritten.Part).Length = rewritten.Offset;
            }
            Cursor = batch.Next;
            foreach (var (_, met) in _waiters.Where(waiter => waiter.Condition(this))) met.TrySetResult();
        }
        return ReplyAck.Taken;
    }

    public async Task Until(Func<ObservedTurn, bool> condition, string what)
    {
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (condition(this)) return;
            _waiters.Add((condition, met));
        }
        try
        {
            await met.Task.WaitAsync(Timeout);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Timed out waiting for {what}. The text is '{Text}', the end is {End}.");
        }
    }

    public Task UntilText(string text) => Until(turn => turn.Text.Contains(text, StringComparison.Ordinal), $"the text '{text}'");

    public async Task<ReplyEvent> UntilEnd()
    {
        await Until(turn => turn.End is not null, "the end");
        return End!;
    }

    /// <summary>Waits for the end, which must not be an error.</summary>
    /// <returns>The text.</returns>
    public async Task<string> UntilComplete()
    {
        if (await UntilEnd() is ReplyFailed failed) Assert.Fail($"The turn failed: {failed.Error.Code}: {failed.Error.Message}");
        return Text;
    }

    private StringBuilder Part(int ordinal) => _parts.TryGetValue(ordinal, out var part) ? part : _parts[ordinal] = new StringBuilder();
}
