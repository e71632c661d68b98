using System.Text;

namespace CozeCluster.Discord.Tests;

/// <summary>A turn as its client hears it: text parts as they stand, rewritten where the bot did so.</summary>
internal sealed class HeardTurn(string id, IConversationGrain grain) : IReplyInbox
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(45);

    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, StringBuilder> _parts = [];
    private readonly List<ReplyEvent> _events = [];
    private readonly List<(Func<HeardTurn, bool> Condition, TaskCompletionSource Met)> _waiters = [];

    public string Id => id;

    public IConversationGrain Grain => grain;

    public Cursor Cursor { get; private set; }

    /// <summary>All text, parts as they come behind each other.</summary>
    public string Text
    {
        get { lock (_gate) return string.Concat(_parts.Values); }
    }

    public IReadOnlyList<string> Parts
    {
        get { lock (_gate) return [.. _parts.Values.Select(part => part.ToString())]; }
    }

    public IReadOnlyList<ReplyEvent> Events
    {
        get { lock (_gate) return [.. _events]; }
    }

    public IEnumerable<T> Items<T>() where T : ReplyItem => Events.OfType<ReplyItemAdded>().Select(added => added.Item).OfType<T>();

    public ReplyEvent? End => Events.LastOrDefault(one => one is ReplyCompleted or ReplyFailed);

    public Error? Error => (End as ReplyFailed)?.Error;

    public ReplyOrigin? Origin => End switch
    {
        ReplyCompleted completed => completed.Origin,
        ReplyFailed failed => failed.Origin,
        _ => null,
    };

    public ReplyAck TryPost(ReplyBatch batch)
    {
        lock (_gate)
        {
            foreach (var one in batch.Events)
            {
                _events.Add(one);
                if (one is ReplyText text) Part(text.Part).Append(text.Text);
                if (one is ReplyRewritten rewritten) Part(rewritten.Part).Length = rewritten.Offset;
            }
            Cursor = batch.Next;
            foreach (var (_, met) in _waiters.Where(waiter => waiter.Condition(this))) met.TrySetResult();
        }
        return ReplyAck.Taken;
    }

    public async Task Until(Func<HeardTurn, bool> condition, string what)
    {
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (condition(this)) return;
            _waiters.Add((condition, met));
        }
        try
        {
            await met.Task.WaitAsync(Guard);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"In vain: {what}; heard '{Text}' and {End}");
        }
    }

    public Task UntilText(string text) => Until(turn => turn.Text.Contains(text, StringComparison.Ordinal), $"the text '{text}'");

    public async Task<ReplyEvent> UntilEnd()
    {
        await Until(turn => turn.End is not null, "the end");
        return End!;
    }

    /// <summary>The end, which is to be a good one.</summary>
    public async Task<string> UntilComplete()
    {
        if (await UntilEnd() is ReplyFailed failed) Assert.Fail($"The turn failed: {failed.Error.Code}: {failed.Error.Message}");
        return Text;
    }

    private StringBuilder Part(int ordinal) => _parts.TryGetValue(ordinal, out var part) ? part : _parts[ordinal] = new StringBuilder();
}
