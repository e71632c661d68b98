using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>A conversation with one turn. The test posts the reply's events. The conversation records its calls.</summary>
public sealed class FakeConversation(FakeGrains grains, string key) : IConversationGrain
{
    private readonly Lock _gate = new();
    private readonly Channel<Subscription> _subscriptions = Channel.CreateUnbounded<Subscription>();

    /// <summary>The calls, in order: <c>begin</c>, <c>subscribe 0.5</c>, <c>read 0.5</c>, <c>cancel</c>, <c>unsubscribe</c>.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The turn of the last <see cref="Begin"/>.</summary>
    public TurnRequest? Request { get; private set; }

    /// <summary>The feed of the last subscription.</summary>
    public FeedAddress? Feed { get; private set; }

    /// <summary>All events so far; <see cref="Read"/> returns them.</summary>
    public List<ReplyEvent> Events { get; } = [];

    /// <summary>The result of <see cref="GetTurn"/>.</summary>
    public TurnSnapshot? Snapshot { get; set; }

    /// <summary>The result of <see cref="GetConversation"/>.</summary>
    public ConversationSnapshot? Content { get; set; }

    /// <summary>Called before every call. An exception that it returns is thrown.</summary>
    public Func<string, Exception?>? Fault { get; set; }

    /// <summary><see cref="Read"/> waits for this task.</summary>
    public Task ReadDelay { get; set; } = Task.CompletedTask;

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Unsubscribed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        Record("begin");
        Request = request;
        Feed = subscription.Feed;
        grains.FirstBegin.TrySetResult(this);
        if (grains.OnBegin is { } onBegin) await onBegin(this);
    }

    public async Task<TurnStart> Start(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        if (grains.Started.Refusal is null) await Begin(request, subscription, cancellationToken);
        return grains.Started;
    }

    public Task Subscribe(string tenantId, string turnId, Subscription subscription)
    {
        Record($"subscribe {subscription.After}");
        Feed = subscription.Feed;
        _subscriptions.Writer.TryWrite(subscription);
        return Task.CompletedTask;
    }

    /// <summary>Waits for the next call of <see cref="Subscribe"/>.</summary>
    public async Task<Subscription> NextSubscription() =>
        await _subscriptions.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task Unsubscribe(string turnId, string subscriptionId)
    {
        Record("unsubscribe");
        Unsubscribed.TrySetResult();
        return Task.CompletedTask;
    }

    public async Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars)
    {
        Record($"read {after}");
        await ReadDelay;
        lock (_gate)
        {
            var rest = new List<ReplyEvent>();
            var next = after;
            foreach (var replyEvent in Events)
            {
                switch (replyEvent)
                {
                    case ReplyText text when text.Part > after.Part || (text.Part == after.Part && text.Offset >= after.Offset):
                        if (rest.Count > 0 && next.Offset - after.Offset > maxChars) break;
                        rest.Add(text);
                        next = new Cursor(text.Part, text.Offset + text.Text.Length);
                        break;
                    case ReplyCompleted or ReplyFailed when next.Offset - after.Offset <= maxChars:
                        rest.Add(replyEvent);
                        break;
                }
            }
            return new ReplyBatch(turnId, rest, next);
        }
    }

    public Task Cancel(string tenantId, string turnId)
    {
        Record("cancel");
        Cancelled.TrySetResult();
        return Task.CompletedTask;
    }

    public Task<TurnSnapshot> GetTurn(string tenantId, string turnId)
    {
        Record("get");
        return Snapshot is { } snapshot && snapshot.TurnId == turnId && tenantId == "acme"
            ? Task.FromResult(snapshot)
            : Task.FromException<TurnSnapshot>(new ClusterException(ErrorCode.NotFound, "There is no such turn."));
    }

    public Task<ConversationSnapshot> GetConversation(string tenantId)
    {
        Record("get conversation");
        return Content is { } content && tenantId == "acme"
            ? Task.FromResult(content)
            : Task.FromException<ConversationSnapshot>(new ClusterException(ErrorCode.NotFound, "There is no such conversation."));
    }

    public Task<ConversationPlace?> FindPlace(string tenantId) => throw new NotSupportedException();

    public Task Rename(string tenantId, string title)
    {
        Record($"rename {title}");
        return Task.CompletedTask;
    }

    public Task Delete(string tenantId)
    {
        Record("delete");
        return Task.CompletedTask;
    }

    public Task Wake() => throw new NotSupportedException();

    /// <summary>Posts a batch with these events to the feed.</summary>
    public Task<ReplyAck> Post(Cursor next, params ReplyEvent[] events)
    {
        lock (_gate) Events.AddRange(events);
        return Task.FromResult(grains.Feeds.Post(Feed!, new ReplyBatch(Request?.TurnId ?? Snapshot!.TurnId, events, next)));
    }

    private void Record(string call)
    {
        Calls.Enqueue(call);
        if (FirstCall.Activates(GrainId.Create("conversation", key))) grains.FirstCalls.Enqueue(key);
        if (Fault?.Invoke(call) is { } fault) throw fault;
    }
}
