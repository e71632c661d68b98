using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains;

/// <summary>
/// The reply feeds of this process, and access to those of other processes. Where conversation and reader share a process, the conversation posts to the reader's inbox directly,
/// without an Orleans call: with calls, a stream of many small deltas would cost half as much again. Between processes, batches are sent through one observer per process.
/// </summary>
public sealed class ReplyFeeds(IServiceProvider services, NetworkClock clock, ReplyFeedOptions options) : IReplyFeeds, IReplyObserver
{
    private readonly ConcurrentDictionary<long, IReplyInbox> _inboxes = new();
    private readonly ConcurrentDictionary<GrainId, ReplyCourier> _couriers = new();
    private readonly Lock _gate = new();
    private IReplyObserver? _reference;
    private long _last;

    /// <inheritdoc />
    public IReplyFeed Open(IReplyInbox inbox)
    {
        var address = new FeedAddress(_reference ?? CreateReference(), Interlocked.Increment(ref _last));
        _inboxes[address.Number] = inbox;
        return new Feed(this, address);
    }

    /// <inheritdoc />
    public ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches)
    {
        var acks = new ReplyAck[batches.Length];
        for (var i = 0; i < batches.Length; i++) acks[i] = Post(batches[i].Feed, batches[i].Batch);
        return new(acks);
    }

    /// <summary>The target for posts to a feed, in this process or another.</summary>
    internal IReplyTarget To(FeedAddress address)
    {
        var process = address.Process.GetGrainId();
        if (options.DirectPath && _reference?.GetGrainId() == process) return new DirectTarget(this, address.Number);
        return new RemoteTarget(_couriers.GetOrAdd(process, static (_, of) => new ReplyCourier(of.Process, of.Time), (address.Process, clock.Time)), address.Number);
    }

    private ReplyAck Post(long feed, ReplyBatch batch) => _inboxes.TryGetValue(feed, out var inbox) ? inbox.TryPost(batch) : ReplyAck.Gone;

    // Taken when first needed: the factory is not usable before Orleans has started.
    private IReplyObserver CreateReference()
    {
        lock (_gate) return _reference ??= services.GetRequiredService<IGrainFactory>().CreateObjectReference<IReplyObserver>(this);
    }

    private sealed class Feed(ReplyFeeds feeds, FeedAddress address) : IReplyFeed
    {
        public FeedAddress Address => address;

        public void Dispose() => feeds._inboxes.TryRemove(address.Number, out _);
    }

    private sealed class DirectTarget(ReplyFeeds feeds, long feed) : IReplyTarget
    {
        public ValueTask<ReplyAck> Post(ReplyBatch batch) => new(feeds.Post(feed, batch));
    }

    private sealed class RemoteTarget(ReplyCourier courier, long feed) : IReplyTarget
    {
        private bool _posted;

        public ValueTask<ReplyAck> Post(ReplyBatch batch)
        {
            var isFirst = !_posted;
            _posted = true;
            return new(courier.Post(new FeedBatch(feed, batch), atOnce: isFirst));
        }
    }
}

/// <summary>Where a conversation posts the batches of one subscription.</summary>
internal interface IReplyTarget
{
    /// <summary>Posts a batch.</summary>
    /// <exception cref="ClusterException">The other process does not answer.</exception>
    ValueTask<ReplyAck> Post(ReplyBatch batch);
}

/// <summary>How reply feeds work.</summary>
public sealed record ReplyFeedOptions
{
    /// <summary>Whether feeds of the same process are posted to directly. False is for tests, which then run over Orleans calls. Default true.</summary>
    public bool DirectPath { get; init; } = true;
}
