using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Posts to inboxes directly, on the caller's thread. A closed feed still posts, so that a test sees the answer of the inbox itself.</summary>
public sealed class FakeReplyFeeds : IReplyFeeds, IReplyObserver
{
    private readonly ConcurrentDictionary<long, IReplyInbox> _inboxes = new();
    private long _last;
    private int _open;

    /// <summary>The number of feeds that are not disposed.</summary>
    public int OpenCount => Volatile.Read(ref _open);

    public IReplyFeed Open(IReplyInbox inbox)
    {
        var number = Interlocked.Increment(ref _last);
        _inboxes[number] = inbox;
        Interlocked.Increment(ref _open);
        return new Feed(this, number);
    }

    public ReplyAck Post(FeedAddress feed, ReplyBatch batch) => _inboxes[feed.Number].TryPost(batch);

    public ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches) => throw new NotSupportedException("Fake conversations post directly.");

    private sealed class Feed(FakeReplyFeeds feeds, long number) : IReplyFeed
    {
        private int _disposed;

        public FeedAddress Address { get; } = new(feeds, number);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) Interlocked.Decrement(ref feeds._open);
        }
    }
}
