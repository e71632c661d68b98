using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Tests reply feeds on both paths: directly within a process, and through its observer.</summary>
public abstract class ReplyFeedsTests<TSilo>(TSilo fixture) : RuntimeTest<TSilo>(fixture) where TSilo : RuntimeSilo
{
    protected IPostingGrain Grain => Get<IPostingGrain>();

    [Fact(Timeout = Hang)]
    public async Task Batches_arrive_in_order()
    {
        var inbox = new NumberInbox();
        using var feed = Silo.Feeds.Open(inbox);

        Assert.Equal(ReplyAck.Taken, await WhileTimePasses(Grain.Post(feed.Address, 200)));

        Assert.Equal(Enumerable.Range(0, 200), inbox.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task Each_of_many_feeds_gets_its_own_batches_in_order()
    {
        var inboxes = Enumerable.Range(0, 20).Select(_ => new NumberInbox()).ToArray();
        var feeds = Array.ConvertAll(inboxes, Silo.Feeds.Open);

        await WhileTimePasses(Task.WhenAll(feeds.Select((feed, i) => Get<IPostingGrain>(NewKey()).Post(feed.Address, 50, first: 100 * i))));

        for (var i = 0; i < inboxes.Length; i++) Assert.Equal(Enumerable.Range(100 * i, 50), inboxes[i].Numbers);
        Array.ForEach(feeds, feed => feed.Dispose());
    }

    [Fact(Timeout = Hang)]
    public async Task A_full_inbox_answers_Full()
    {
        var inbox = new NumberInbox(capacity: 3);
        using var feed = Silo.Feeds.Open(inbox);

        Assert.Equal(ReplyAck.Full, await WhileTimePasses(Grain.Post(feed.Address, 10)));

        Assert.Equal([0, 1, 2], inbox.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task A_closed_feed_answers_Gone_and_its_inbox_gets_no_batches()
    {
        var (closed, next) = (new NumberInbox(), new NumberInbox());
        var feed = Silo.Feeds.Open(closed);
        await Grain.Keep(feed.Address);
        Assert.Equal(ReplyAck.Taken, await WhileTimePasses(Grain.PostToKept(1)));

        feed.Dispose();
        using var other = Silo.Feeds.Open(next);

        Assert.Equal(ReplyAck.Gone, await WhileTimePasses(Grain.PostToKept(2)));
        Assert.Equal(ReplyAck.Gone, await WhileTimePasses(Grain.Post(feed.Address, 1)));
        Assert.Equal([1], closed.Numbers);
        Assert.Empty(next.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task A_process_that_does_not_answer_delays_no_other()
    {
        using var stuck = new StuckProcess(Silo.Grains);
        var inbox = new NumberInbox();
        using var feed = Silo.Feeds.Open(inbox);
        var lost = Grain.Post(stuck.Feed, 1);

        // At the same time: from the same grain, and from another grain.
        Assert.Equal(ReplyAck.Taken, await WhileTimePasses(Grain.Post(feed.Address, 50)));
        Assert.Equal(ReplyAck.Taken, await WhileTimePasses(Get<IPostingGrain>(NewKey()).Post(feed.Address, 50, first: 50)));

        Assert.Equal(Enumerable.Range(0, 100), inbox.Numbers);
        var error = await Assert.ThrowsAsync<ClusterException>(() => Fixture.AdvanceUntil(lost, TimeSpan.FromSeconds(1)));
        Assert.Equal(ErrorCode.CallRejected, error.Code);
    }

    [Fact(Timeout = Hang)]
    public async Task A_silo_with_open_feeds_can_stop()
    {
        var silo = new StoppingSilo(DirectPath);
        await silo.InitializeAsync();
        var inbox = new NumberInbox();
        var feeds = Enumerable.Range(0, 20).Select(_ => silo.Silo.Feeds.Open(inbox).Address).ToArray();
        var posting = silo.Silo.Grains.GetGrain<IPostingGrain>(Key).PostToAll(feeds, 1_000);
        await inbox.Until(20);

        await silo.DisposeAsync();

        await Task.WhenAny(posting);
    }

    /// <summary>See <see cref="ReplyFeedOptions.DirectPath"/>.</summary>
    protected abstract bool DirectPath { get; }

    /// <summary>Moves the clock while posts wait for the next interval.</summary>
    protected async Task<T> WhileTimePasses<T>(Task<T> task)
    {
        await Fixture.AdvanceUntil(task, TimeSpan.FromMilliseconds(20));
        return await task;
    }

    private sealed class StoppingSilo(bool directPath) : RuntimeSilo
    {
        protected override bool DirectPath => directPath;
    }
}

public sealed class DirectReplyFeedsTests(RuntimeSilo fixture) : ReplyFeedsTests<RuntimeSilo>(fixture)
{
    protected override bool DirectPath => true;

    [Fact(Timeout = Hang)]
    public async Task Posts_make_no_calls()
    {
        var inbox = new NumberInbox();
        using var feed = Silo.Feeds.Open(inbox);

        await Grain.Post(feed.Address, 100);

        Assert.Equal(100, inbox.Numbers.Count);
        Assert.Empty(Fixture.Sent.Attempts(feed.Address.Process, nameof(IReplyObserver.OnReplies)));
    }
}

public sealed class RemoteReplyFeedsTests(RemoteFeedSilo fixture) : ReplyFeedsTests<RemoteFeedSilo>(fixture)
{
    protected override bool DirectPath => false;

    [Fact(Timeout = Hang)]
    public async Task Batches_of_many_feeds_are_sent_together()
    {
        var inboxes = Enumerable.Range(0, 50).Select(_ => new NumberInbox()).ToArray();
        var feeds = Array.ConvertAll(inboxes, Silo.Feeds.Open);
        var before = Fixture.Sent.Count(nameof(IReplyObserver.OnReplies));

        await Fixture.AdvanceUntil(Grain.PostToAll([.. feeds.Select(feed => feed.Address)], 20), TimeSpan.FromMilliseconds(20));

        Assert.All(inboxes, inbox => Assert.Equal(Enumerable.Range(0, 20), inbox.Numbers));
        // The first batch of each feed may be sent alone. The other 950 are sent together.
        Assert.InRange(Fixture.Sent.Count(nameof(IReplyObserver.OnReplies)) - before, 20, 250);
        Array.ForEach(feeds, feed => feed.Dispose());
    }

    [Fact(Timeout = Hang)]
    public async Task The_first_batch_of_a_feed_is_sent_at_once_although_many_wait()
    {
        var others = Enumerable.Range(0, 10).Select(_ => Silo.Feeds.Open(new NumberInbox())).ToArray();
        var posting = Grain.PostToAll([.. others.Select(feed => feed.Address)], 2);
        var inbox = new NumberInbox();
        using var feed = Silo.Feeds.Open(inbox);

        // The clock does not move.
        Assert.Equal(ReplyAck.Taken, await Get<IPostingGrain>(NewKey()).Post(feed.Address, 1));

        Assert.Equal([0], inbox.Numbers);
        await Fixture.AdvanceUntil(posting, TimeSpan.FromMilliseconds(20));
    }

    [Fact(Timeout = Hang)]
    public async Task A_process_without_posts_is_forgotten_when_another_appears()
    {
        var feeds = (ReplyFeeds)Silo.Feeds;
        using var first = new StuckProcess(Silo.Grains);
        using var second = new StuckProcess(Silo.Grains);
        await Grain.Keep(first.Feed);
        Assert.InRange(feeds.CourierCount, 1, int.MaxValue);

        Silo.Time.Advance(TimeSpan.FromSeconds(61));
        await Grain.Keep(second.Feed);

        Assert.Equal(1, feeds.CourierCount);
    }

    [Fact]
    public async Task The_observer_answers_at_once()
    {
        var feeds = (IReplyObserver)Silo.Feeds;
        using var full = Silo.Feeds.Open(new NumberInbox(capacity: 0));
        using var free = Silo.Feeds.Open(new NumberInbox());
        var batch = new ReplyBatch("turn", [], default);

        var answers = feeds.OnReplies([new(full.Address.Number, batch), new(free.Address.Number, batch), new(long.MaxValue, batch)]);

        Assert.True(answers.IsCompletedSuccessfully);
        Assert.Equal([ReplyAck.Full, ReplyAck.Taken, ReplyAck.Gone], await answers);
    }
}

/// <summary>A silo that posts to its own feeds through its observer, as if they belonged to another process.</summary>
public sealed class RemoteFeedSilo : RuntimeSilo
{
    protected override bool DirectPath => false;
}
