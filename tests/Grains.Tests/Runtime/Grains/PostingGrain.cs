using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Posts to reply feeds, one batch at a time, as a conversation does.</summary>
[Alias("test.posting")]
public interface IPostingGrain : IGrainWithStringKey
{
    /// <summary>Posts consecutive numbers, starting with <paramref name="first"/>, until one is not accepted.</summary>
    /// <returns>The answer to the last batch.</returns>
    [AlwaysInterleave, Alias("Post"), ResponseTimeout("00:01:00")]
    Task<ReplyAck> Post(FeedAddress feed, int count, int first = 0);

    /// <summary>Posts one batch to all feeds at the same time, <paramref name="count"/> times.</summary>
    [AlwaysInterleave, Alias("PostToAll"), ResponseTimeout("00:01:00")]
    Task PostToAll(FeedAddress[] feeds, int count);

    /// <summary>Keeps the target of a feed, as a subscription does.</summary>
    [Alias("Keep")]
    Task Keep(FeedAddress feed);

    [Alias("PostToKept")]
    Task<ReplyAck> PostToKept(int number);
}

[GrainType("test.posting")]
public sealed class PostingGrain(ReplyFeeds feeds) : Grain, IPostingGrain
{
    private IReplyTarget? _kept;

    public async Task<ReplyAck> Post(FeedAddress feed, int count, int first = 0)
    {
        var target = feeds.To(feed);
        var ack = ReplyAck.Taken;
        for (var i = first; i < first + count && ack == ReplyAck.Taken; i++) ack = await target.Post(Batch(i));
        return ack;
    }

    public async Task PostToAll(FeedAddress[] addresses, int count)
    {
        var targets = Array.ConvertAll(addresses, feeds.To);
        for (var i = 0; i < count; i++) await Task.WhenAll(targets.Select(target => target.Post(Batch(i)).AsTask()));
    }

    public Task Keep(FeedAddress feed)
    {
        _kept = feeds.To(feed);
        return Task.CompletedTask;
    }

    public async Task<ReplyAck> PostToKept(int number) => await _kept!.Post(Batch(number));

    private static ReplyBatch Batch(int number) => new("turn", [], new Cursor(0, number));
}
