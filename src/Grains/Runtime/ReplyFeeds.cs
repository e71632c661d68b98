using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains;

/// <summary>
/// The reply feeds of this process, and access to the feeds of other processes. If conversation and reader share a process, the conversation posts to the
/// reader's inbox directly, without an Orleans call; with calls, a stream of many small batches would need one and a half times as much CPU. Between
/// processes, batches are sent through one observer per process.
/// </summary>
public sealed class ReplyFeeds(IServiceProvider services, NetworkClock clock, ReplyFeedOptions options) : IReplyFeeds, IReplyObserver
{
    /// <summary>A subscription posts at least a heartbeat every few seconds, so nothing uses a courier that has been idle for this duration.</summary>
    private static readonly TimeSpan MaxCourierIdleTime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<long, IReplyInbox> _inboxes = new();
    private readonly ConcurrentDictionary<GrainId, ReplyCourier> _couriers = new();
    private readonly Lock _gate = new();
    private IReplyObserver? _reference;
    private long _lastNumber;

    /// <summary>The number of other processes that batches are sent to.</summary>
    internal int CourierCount => _couriers.Count;

    /// <inheritdoc />
    public IReplyFeed Open(IReplyInbox inbox)
    {
        var address = new FeedAddress(_reference ?? CreateReference(), Interlocked.Increment(ref _lastNumber));
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

    /// <summary>Gets the target for posts to a feed, in this process or another.</summary>
    internal IReplyTarget To(FeedAddress address)
    {
        var process = address.Process.GetGrainId();
        if (options.DirectPath && _reference?.GetGrainId() == process) return new DirectTarget(this, address.Number);
        return new RemoteTarget(_couriers.TryGetValue(process, out var courier) ? courier : AddCourier(address.Process), address.Number);
    }

    private ReplyCourier AddCourier(IReplyObserver process)
    {
        // A process that stops or fails does not say so. Its courier is removed when another process appears.
        foreach (var courier in _couriers)
        {
            if (courier.Value.IdleTime > MaxCourierIdleTime) _couriers.TryRemove(courier);
        }
        return _couriers.GetOrAdd(process.GetGrainId(), static (_, of) => new ReplyCourier(of.Process, of.Time), (Process: process, clock.Time));
    }

    private ReplyAck Post(long feed, ReplyBatch batch) => _inboxes.TryGetValue(feed, out var inbox) ? inbox.TryPost(batch) : ReplyAck.Gone;

    // Created when first needed, because the grain factory cannot be used before Orleans has started.
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
        private bool _hasPosted;

        public ValueTask<ReplyAck> Post(ReplyBatch batch)
        {
            var isFirst = !_hasPosted;
            _hasPosted = true;
            return new(courier.Post(new FeedBatch(feed, batch), atOnce: isFirst));
        }
    }
}

/// <summary>Receives the batches of one subscription from its conversation.</summary>
internal interface IReplyTarget
{
    /// <summary>Posts a batch.</summary>
    /// <exception cref="ClusterException">The other process did not answer.</exception>
    ValueTask<ReplyAck> Post(ReplyBatch batch);
}

/// <summary>Options of reply feeds.</summary>
public sealed record ReplyFeedOptions
{
    /// <summary>Whether posts within one process are method calls. False is for tests of the path between processes. Default true.</summary>
    public bool DirectPath { get; init; } = true;
}
