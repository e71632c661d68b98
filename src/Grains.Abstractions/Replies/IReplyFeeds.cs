namespace CozeCluster;

/// <summary>The reply feeds of this process. Thread-safe.</summary>
public interface IReplyFeeds
{
    /// <summary>Opens a feed into <paramref name="inbox"/>. Its address goes into a <see cref="Subscription"/>.</summary>
    IReplyFeed Open(IReplyInbox inbox);
}

/// <summary>An open feed. Disposing it closes it: later batches are answered with <see cref="ReplyAck.Gone"/>.</summary>
public interface IReplyFeed : IDisposable
{
    /// <summary>Where grains post to.</summary>
    FeedAddress Address { get; }
}
