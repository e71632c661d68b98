using System.Threading.Channels;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Tests which batches are sent together, and failed calls.</summary>
public sealed class ReplyCourierTests
{
    private const int Hang = 30_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private readonly ManualTime _time = new();
    private readonly FakeProcess _process = new();
    private readonly ReplyCourier _courier;

    public ReplyCourierTests() => _courier = new ReplyCourier(_process, _time);

    [Fact(Timeout = Hang)]
    public async Task A_few_batches_are_sent_one_by_one()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(ReplyAck.Taken, await Post(i));
            _time.Advance(Interval / 2);
        }

        Assert.Equal(Enumerable.Repeat(1, 20), _process.Sizes);
    }

    [Fact(Timeout = Hang)]
    public async Task Many_batches_are_sent_together_while_there_are_many()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var many = PostMany(10, 6);
        Assert.All(many, post => Assert.False(post.IsCompleted));

        _time.Advance(Interval);
        await Task.WhenAll(many);
        var few = PostMany(20, 2);
        _time.Advance(Interval);
        await Task.WhenAll(few);

        Assert.Equal([1, 1, 6, 2], _process.Sizes);
        _time.Advance(Interval);
        Assert.Equal(0, _time.ArmedTimers);
        await Post(30);
    }

    [Fact(Timeout = Hang)]
    public async Task The_first_batch_of_a_feed_is_sent_at_once_with_the_waiting_ones()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var many = PostMany(10, 3);

        await Post(20, atOnce: true);

        await Task.WhenAll(many);
        Assert.Equal([1, 1, 4], _process.Sizes);
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_has_a_limited_number_of_batches()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var many = PostMany(10, 600);

        _time.Advance(Interval);
        await Task.WhenAll(many);

        Assert.Equal([1, 1, 256, 256, 88], _process.Sizes);
    }

    [Fact(Timeout = Hang)]
    public async Task Each_feed_gets_its_own_answer()
    {
        _process.Answer = feed => feed == 11 ? ReplyAck.Full : feed == 12 ? ReplyAck.Gone : ReplyAck.Taken;
        for (var i = 0; i < 2; i++) await Post(i);
        var many = PostMany(10, 4);

        _time.Advance(Interval);

        Assert.Equal([ReplyAck.Taken, ReplyAck.Full, ReplyAck.Gone, ReplyAck.Taken], await Task.WhenAll(many));
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_without_an_answer_times_out_and_does_not_delay_later_calls()
    {
        _process.IsSilent = true;
        var lost = Post(1);
        await _process.Received.Reader.ReadAsync(TestContext.Current.CancellationToken);
        _process.IsSilent = false;

        await Post(2);
        _time.Advance(Interval);
        await Post(1);
        Assert.False(lost.IsCompleted);
        // The process receives the call before the timeout starts.
        while (_time.ArmedTimers == 0) await Task.Yield();
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => lost)).Code);
    }

    [Fact(Timeout = Hang)]
    public async Task An_unreadable_batch_does_not_fail_the_others()
    {
        _process.Failure = batches => batches.Any(batch => batch.Feed == 12) ? new InvalidOperationException("Cannot be read.") : null;
        for (var i = 0; i < 2; i++) await Post(i);
        var many = PostMany(10, 5);

        _time.Advance(Interval);

        foreach (var i in (int[])[0, 1, 3, 4]) Assert.Equal(ReplyAck.Taken, await many[i]);
        Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(() => many[2])).Code);
    }

    /// <summary><see cref="CallResending"/> translates exceptions before the courier receives them.</summary>
    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_process_is_not_called_for_each_batch(bool isTranslated)
    {
        var failure = new SiloUnavailableException();
        _process.Failure = _ => isTranslated ? CallErrors.Translate(failure) : failure;
        var posts = new List<Task<ReplyAck>>();
        for (var i = 0; i < 2; i++) posts.Add(PostAndReceive(i));
        var many = PostMany(10, 20);

        _time.Advance(Interval);

        foreach (var post in many.Concat(posts)) Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => post)).Code);
        Assert.Equal([1, 1, 20], _process.Sizes);
    }

    private List<Task<ReplyAck>> PostMany(int first, int count) => [.. Enumerable.Range(first, count).Select(feed => Post(feed))];

    private Task<ReplyAck> PostAndReceive(long feed)
    {
        var post = Post(feed);
        SpinWait.SpinUntil(() => post.IsCompleted);
        return post;
    }

    private Task<ReplyAck> Post(long feed, bool atOnce = false) => _courier.Post(new FeedBatch(feed, new ReplyBatch("turn", [], default)), atOnce);

    private sealed class FakeProcess : IReplyObserver
    {
        public List<int> Sizes { get; } = [];

        public Channel<int> Received { get; } = Channel.CreateUnbounded<int>();

        public bool IsSilent { get; set; }

        public Func<FeedBatch[], Exception?> Failure { get; set; } = _ => null;

        public Func<long, ReplyAck> Answer { get; set; } = _ => ReplyAck.Taken;

        public async ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches)
        {
            lock (Sizes) Sizes.Add(batches.Length);
            var isSilent = IsSilent;
            Received.Writer.TryWrite(batches.Length);
            if (isSilent) await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return Failure(batches) is { } failure ? throw failure : Array.ConvertAll(batches, batch => Answer(batch.Feed));
        }
    }
}
