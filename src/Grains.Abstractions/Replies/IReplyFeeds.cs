using System.Text.Json.Serialization;
using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>The reply feeds of this process. Thread-safe.</summary>
public interface IReplyFeeds
{
    /// <summary>Opens a feed into <paramref name="inbox"/>. Put the feed's address into a <see cref="Subscription"/>.</summary>
    IReplyFeed Open(IReplyInbox inbox);
}

/// <summary>An open feed. Disposing it closes it: later batches are answered with <see cref="ReplyAck.Gone"/>.</summary>
public interface IReplyFeed : IDisposable
{
    /// <summary>The address that grains post to.</summary>
    FeedAddress Address { get; }
}

/// <summary>The receiving end of a reply feed: a bounded queue.</summary>
public interface IReplyInbox
{
    /// <summary>
    /// Queues a batch. It must neither block nor wait, and must not run the reader's code: the caller may be a grain or Orleans' message loop, and a process
    /// does not stop before this method has returned. It is called for one batch at a time, in order. A batch may arrive twice; its cursors show that.
    /// </summary>
    ReplyAck TryPost(ReplyBatch batch);
}

/// <summary>An inbox's answer to a batch.</summary>
[GenerateSerializer, Alias("reply-ack")]
[JsonConverter(typeof(JsonStringEnumConverter<ReplyAck>))]
public enum ReplyAck
{
    /// <summary>The batch is queued. The sender may send more.</summary>
    Taken,

    /// <summary>The inbox is full and did not queue the batch. The subscription is paused: the reader reads from its cursor and subscribes again.</summary>
    Full,

    /// <summary>The inbox is closed. The subscription ends.</summary>
    Gone,
}

/// <summary>A request to receive a turn's reply.</summary>
/// <param name="Id">Created by the reader. A second subscription with the same id replaces the first.</param>
/// <param name="After">The cursor after which the reply is sent.</param>
/// <param name="Feed">The feed that batches are posted to.</param>
[GenerateSerializer, Immutable, Alias("subscription")]
public sealed record Subscription(string Id, Cursor After, FeedAddress Feed)
{
    /// <summary>
    /// The UTF-16 units of text and reasoning that the reader has received, at least; 0 if it knows of none. A conversation whose node failed cannot know it
    /// otherwise.
    /// </summary>
    [Id(85)]
    public long Received { get; init; }
}

/// <summary>The address of a reply feed.</summary>
/// <param name="Process">The observer of the feed's process.</param>
/// <param name="Number">
/// The feed's number, unique in its process. Every subscription gets a new number, so batches of an older subscription find a closed feed.
/// </param>
[GenerateSerializer, Immutable, Alias("feed-address")]
public sealed record FeedAddress(IReplyObserver Process, long Number);

/// <summary>A batch for one feed.</summary>
/// <param name="Feed">See <see cref="FeedAddress.Number"/>.</param>
/// <param name="Batch">The batch.</param>
[GenerateSerializer, Immutable, Alias("feed-batch")]
public readonly record struct FeedBatch(long Feed, ReplyBatch Batch);

/// <summary>
/// Receives the batches that other processes send to the feeds of this process. Each process has one observer. It answers at once, because a silo or client
/// that stops waits for the running calls of its observers.
/// </summary>
[Alias("reply-observer")]
public interface IReplyObserver : IGrainObserver
{
    /// <summary>Posts each batch to the inbox of its feed.</summary>
    /// <returns>An answer to each batch, in the same order.</returns>
    [Alias("OnReplies"), AlwaysInterleave]
    ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches);
}
