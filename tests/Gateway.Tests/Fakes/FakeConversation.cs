using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>A conversation of one turn whose reply the test tells, and which remembers what it was asked.</summary>
public sealed class FakeConversation(FakeGrains grains, string key) : IConversationGrain
{
    private readonly Lock _gate = new();
    private readonly Channel<Subscription> _subscriptions = Channel.CreateUnbounded<Subscription>();

    /// <summary>What was asked, in order: <c>begin</c>, <c>subscribe 0.5</c>, <c>read 0.5</c>, <c>cancel</c>, <c>unsubscribe</c>.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The turn.</summary>
    public TurnRequest? Request { get; private set; }

    /// <summary>The feed of the last subscription.</summary>
    public FeedAddress? Feed { get; private set; }

    /// <summary>All that was told, for readers.</summary>
    public List<ReplyEvent> Told { get; } = [];

    /// <summary>What <see cref="GetTurn"/> answers.</summary>
    public TurnSnapshot? Snapshot { get; set; }

    /// <summary>What <see cref="GetConversation"/> answers.</summary>
    public ConversationSnapshot? Content { get; set; }

    /// <summary>Asked before every call; what it returns is thrown.</summary>
    public Func<string, Exception?>? Fault { get; set; }

    /// <summary>What <see cref="Read"/> answers; null: what was told, as far as it is new.</summary>
    public Func<Cursor, ReplyBatch>? OnRead { get; set; }

    /// <summary>What <see cref="Read"/> waits for before it answers.</summary>
    public Task Reading { get; set; } = Task.CompletedTask;

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Unsubscribed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        Note("begin");
        Request = request;
        Feed = subscription.Feed;
        grains.Begun.TrySetResult(this);
        if (grains.Script is { } script) await script(this);
    }

    public Task Subscribe(string tenantId, string turnId, Subscription subscription)
    {
        Note($"subscribe {subscription.After}");
        Feed = subscription.Feed;
        _subscriptions.Writer.TryWrite(subscription);
        return Task.CompletedTask;
    }

    /// <summary>The next call of <see cref="Subscribe"/>.</summary>
    public async Task<Subscription> NextSubscription() =>
        await _subscriptions.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task Unsubscribe(string turnId, string subscriptionId)
    {
        Note("unsubscribe");
        Unsubscribed.TrySetResult();
        return Task.CompletedTask;
    }

    public async Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars)
    {
        Note($"read {after}");
        await Reading;
        if (OnRead is { } read) return read(after);
        lock (_gate)
        {
            var rest = new List<ReplyEvent>();
            var next = after;
            foreach (var happened in Told)
            {
                switch (happened)
                {
                    case ReplyText text when text.Part > after.Part || (text.Part == after.Part && text.Offset >= after.Offset):
                        if (rest.Count > 0 && next.Offset - after.Offset > maxChars) break;
                        rest.Add(text);
                        next = new Cursor(text.Part, text.Offset + text.Text.Length);
                        break;
                    case ReplyCompleted or ReplyFailed when next.Offset - after.Offset <= maxChars:
                        rest.Add(happened);
                        break;
                }
            }
            return new ReplyBatch(turnId, rest, next);
        }
    }

    public Task Cancel(string tenantId, string turnId)
    {
        Note("cancel");
        Cancelled.TrySetResult();
        return Task.CompletedTask;
    }

    public Task<TurnSnapshot> GetTurn(string tenantId, string turnId)
    {
        Note("get");
        return Snapshot is { } snapshot && snapshot.TurnId == turnId && tenantId == "acme"
            ? Task.FromResult(snapshot)
            : Task.FromException<TurnSnapshot>(new ClusterException(ErrorCode.NotFound, "There is no such turn."));
    }

    public Task<ConversationSnapshot> GetConversation(string tenantId)
    {
        Note("get conversation");
        return Content is { } content && tenantId == "acme"
            ? Task.FromResult(content)
            : Task.FromException<ConversationSnapshot>(new ClusterException(ErrorCode.NotFound, "There is no such conversation."));
    }

    public Task Rename(string tenantId, string title)
    {
        Note($"rename {title}");
        return Task.CompletedTask;
    }

    public Task Delete(string tenantId)
    {
        Note("delete");
        return Task.CompletedTask;
    }

    public Task<bool> Wake() => throw new NotSupportedException();

    /// <summary>Posts a batch to the feed.</summary>
    public Task<ReplyAck> Tell(Cursor next, params ReplyEvent[] events)
    {
        lock (_gate) Told.AddRange(events);
        return Task.FromResult(grains.Feeds.Post(Feed!, new ReplyBatch(Request?.TurnId ?? Snapshot!.TurnId, events, next)));
    }

    private void Note(string call)
    {
        Calls.Enqueue(call);
        if (FirstCall.Activates(GrainId.Create("conversation", key))) grains.New.Enqueue(key);
        if (Fault?.Invoke(call) is { } fault) throw fault;
    }
}
