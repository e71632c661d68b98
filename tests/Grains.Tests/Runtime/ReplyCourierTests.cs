using System.Threading.Channels;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Which batches leave together, and what becomes of calls that fail.</summary>
public sealed class ReplyCourierTests
{
    private const int Hang = 30_000;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);
    private readonly ManualTime _time = new();
    private readonly FakeProcess _process = new();
    private readonly ReplyCourier _courier;

    public ReplyCourierTests() => _courier = new ReplyCourier(_process, _time);

    [Fact(Timeout = Hang)]
    public async Task Few_batches_leave_each_at_once()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(ReplyAck.Taken, await Post(i));
            _time.Advance(Pace / 2);
        }

        Assert.Equal(Enumerable.Repeat(1, 20), _process.Departures);
    }

    [Fact(Timeout = Hang)]
    public async Task A_crowd_leaves_together_for_as_long_as_it_is_one()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var crowd = PostMany(10, 6);
        Assert.All(crowd, post => Assert.False(post.IsCompleted));

        _time.Advance(Pace);
        await Task.WhenAll(crowd);
        var few = PostMany(20, 2);
        _time.Advance(Pace);
        await Task.WhenAll(few);

        Assert.Equal([1, 1, 6, 2], _process.Departures);
        _time.Advance(Pace);
        Assert.Equal(0, _time.ArmedTimers);
        await Post(30);
    }

    [Fact(Timeout = Hang)]
    public async Task The_first_batch_of_a_feed_leaves_at_once_with_those_that_wait()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var crowd = PostMany(10, 3);

        await Post(20, atOnce: true);

        await Task.WhenAll(crowd);
        Assert.Equal([1, 1, 4], _process.Departures);
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_has_a_bounded_number_of_batches()
    {
        for (var i = 0; i < 2; i++) await Post(i);
        var crowd = PostMany(10, 600);

        _time.Advance(Pace);
        await Task.WhenAll(crowd);

        Assert.Equal([1, 1, 256, 256, 88], _process.Departures);
    }

    [Fact(Timeout = Hang)]
    public async Task Each_feed_gets_its_own_answer()
    {
        _process.Answer = feed => feed == 11 ? ReplyAck.Full : feed == 12 ? ReplyAck.Gone : ReplyAck.Taken;
        for (var i = 0; i < 2; i++) await Post(i);
        var crowd = PostMany(10, 4);

        _time.Advance(Pace);

        Assert.Equal([ReplyAck.Taken, ReplyAck.Full, ReplyAck.Gone, ReplyAck.Taken], await Task.WhenAll(crowd));
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_without_an_answer_is_given_up_and_holds_up_no_later_one()
    {
        _process.IsSilent = true;
        var lost = Post(1);
        await _process.Received.Reader.ReadAsync(TestContext.Current.CancellationToken);
        _process.IsSilent = false;

        await Post(2);
        _time.Advance(Pace);
        await Post(1);
        Assert.False(lost.IsCompleted);
        // The call is received before its timeout begins.
        while (_time.ArmedTimers == 0) await Task.Yield();
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => lost)).Code);
    }

    [Fact(Timeout = Hang)]
    public async Task A_batch_that_cannot_be_read_fails_no_other()
    {
        _process.Failure = batches => batches.Any(batch => batch.Feed == 12) ? new InvalidOperationException("Cannot be read.") : null;
        for (var i = 0; i < 2; i++) await Post(i);
        var crowd = PostMany(10, 5);

        _time.Advance(Pace);

        foreach (var i in (int[])[0, 1, 3, 4]) Assert.Equal(ReplyAck.Taken, await crowd[i]);
        Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(() => crowd[2])).Code);
    }

    /// <summary>Calls pass <see cref="CallResending"/> before the courier gets their exceptions.</summary>
    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_process_that_is_gone_is_not_called_for_each_batch(bool isTranslated)
    {
        var gone = new SiloUnavailableException();
        _process.Failure = _ => isTranslated ? CallErrors.Translate(gone) : gone;
        var posts = new List<Task<ReplyAck>>();
        for (var i = 0; i < 2; i++) posts.Add(PostAndReceive(i));
        var crowd = PostMany(10, 20);

        _time.Advance(Pace);

        foreach (var post in crowd.Concat(posts)) Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => post)).Code);
        Assert.Equal([1, 1, 20], _process.Departures);
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
        public List<int> Departures { get; } = [];

        public Channel<int> Received { get; } = Channel.CreateUnbounded<int>();

        public bool IsSilent { get; set; }

        public Func<FeedBatch[], Exception?> Failure { get; set; } = _ => null;

        public Func<long, ReplyAck> Answer { get; set; } = _ => ReplyAck.Taken;

        public async ValueTask<ReplyAck[]> OnReplies(FeedBatch[] batches)
        {
            lock (Departures) Departures.Add(batches.Length);
            var isSilent = IsSilent;
            Received.Writer.TryWrite(batches.Length);
            if (isSilent) await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return Failure(batches) is { } failure ? throw failure : Array.ConvertAll(batches, batch => Answer(batch.Feed));
        }
    }
}
