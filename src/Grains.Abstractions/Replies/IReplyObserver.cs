using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Receives the replies that other processes send to this one: one observer for each process, however many feeds it has. It answers at once, because a silo or client that
/// stops waits for calls of its observers that still run.
/// </summary>
[Alias("reply-observer")]
public interface IReplyObserver : IGrainObserver
{
    /// <summary>Posts each batch to the inbox of its feed.</summary>
    /// <returns>An answer to each, in the same order.</returns>
    [Alias("OnReplies"), AlwaysInterleave]
    ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches);
}

/// <summary>Where a reply feed is: a process, and the feed's number there.</summary>
/// <param name="Process">The observer of the process.</param>
/// <param name="Number">Unique in the process. Every subscription has a new one, so that late batches of an older subscription find nobody.</param>
[GenerateSerializer, Immutable, Alias("feed-address")]
public sealed record FeedAddress(IReplyObserver Process, long Number);

/// <summary>A batch for one feed.</summary>
/// <param name="Feed">See <see cref="FeedAddress.Number"/>.</param>
/// <param name="Batch">The batch.</param>
[GenerateSerializer, Immutable, Alias("feed-batch")]
public readonly record struct FeedBatch(long Feed, ReplyBatch Batch);
