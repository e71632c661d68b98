using System.Runtime.CompilerServices;
using System.Text;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Tests.Fakes;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Gateway.Tests.Replies;

public sealed class ReplyReaderTests : IDisposable
{
    private static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(30);
    private readonly FakeGrains _grains = new();
    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _aborted = new();
    private readonly FakeConversation _conversation;
    private readonly string _turnId = FakeFleet.KnownIds.NewTurn("acme", null);
    private readonly ReplyReader _reader;

    public ReplyReaderTests()
    {
        TurnId.TryGetConversation(_turnId, out var key);
        _conversation = _grains.Conversation(key);
        _reader = NewReader();
    }

    [Fact]
    public async Task Batches_are_read_in_order_to_the_end()
    {
        await Begin();
        var waiting = Next();
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await waiting));

        await _conversation.Post(new Cursor(0, 2), Reply.Text("b", offset: 1));
        await _conversation.Post(new Cursor(0, 3), Reply.Text("c", offset: 2), Reply.Stop());
        Assert.True(_reader.TryTake(out var second));
        Assert.False(_reader.Ended);
        Assert.True(_reader.TryTake(out var third));
        Assert.Equal("bc", TextOf(second) + TextOf(third));
        Assert.True(_reader.Ended);
        Assert.Equal(new Cursor(0, 3), _reader.Cursor);
    }

    [Fact]
    public async Task Known_content_is_removed_from_batches()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 3), Reply.Text("abc"));
        await _conversation.Post(new Cursor(0, 3), Reply.Text("abc"));
        await _conversation.Post(new Cursor(1, 1), Reply.Text("bcde", offset: 1), Reply.Item(1, new FollowUpItem("f", "x")));
        await _conversation.Post(new Cursor(1, 1), Reply.Item(1, new FollowUpItem("f", "x")), Reply.Stop());

        Assert.Equal("abc", TextOf(await Next()));
        var rest = await Next();
        Assert.Equal(new Cursor(0, 3), new Cursor(0, ((ReplyText)rest!.Events[0]).Offset));
        Assert.Equal("de", TextOf(rest));
        Assert.Equal(2, rest.Events.Count);
        Assert.IsType<ReplyCompleted>(Assert.Single((await Next())!.Events));
    }

    [Fact]
    public async Task Missing_content_is_read_from_the_conversation()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await Next()));
        _conversation.Events.Add(Reply.Text("b", offset: 1));
        var waiting = Next();
        await _conversation.Post(new Cursor(0, 3), Reply.Text("c", offset: 2));

        var text = TextOf(await waiting);

        Assert.Equal("bc", text);
        Assert.Contains("read 0.1", _conversation.Calls);
    }

    [Fact]
    public async Task Full_queue_rejects_batches_and_the_reader_catches_up()
    {
        await Begin();
        var posted = new StringBuilder();
        var rejected = 0;
        for (var i = 0; i < 200; i++)
        {
            var text = $"<{i}>";
            if (await _conversation.Post(new Cursor(0, posted.Length + text.Length), Reply.Text(text, offset: posted.Length)) == ReplyAck.Full) rejected++;
            posted.Append(text);
        }
        Assert.Equal(200 - ReplyQueue.MaxBatches, rejected);
        var old = _conversation.Feed!;

        var received = new StringBuilder();
        while (received.Length < posted.Length) received.Append(TextOf(await Next()));
        Assert.Equal(posted.ToString(), received.ToString());

        // The reader has caught up: it subscribes again from its cursor, and the old feed is closed.
        var waiting = Next();
        var subscription = await _conversation.NextSubscription();
        Assert.Equal(new Cursor(0, posted.Length), subscription.After);
        Assert.Equal(ReplyAck.Gone, _grains.Feeds.Post(old, new ReplyBatch(_turnId, [Reply.Text("?")], default)));
        Assert.NotEqual(old, subscription.Feed);
        await _conversation.Post(new Cursor(0, posted.Length + 1), Reply.Text("!", offset: posted.Length), Reply.Stop());
        Assert.Equal("!", TextOf(await waiting));
        Assert.Equal(1, _grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Queue_is_limited_by_characters_too()
    {
        await Begin();
        var big = new string('x', ReplyQueue.MaxChars - 10);
        Assert.Equal(ReplyAck.Taken, await _conversation.Post(new Cursor(0, big.Length), Reply.Text(big)));
        Assert.Equal(ReplyAck.Full, await _conversation.Post(new Cursor(0, big.Length + 20), Reply.Text(new string('y', 20), offset: big.Length)));
    }

    [Fact]
    public async Task Single_batch_that_is_larger_than_the_queue_is_accepted()
    {
        await Begin();
        var huge = new string('x', ReplyQueue.MaxChars * 2);
        Assert.Equal(ReplyAck.Taken, await _conversation.Post(new Cursor(0, huge.Length), Reply.Text(huge)));
    }

    [Fact]
    public async Task After_silence_the_reader_catches_up_and_subscribes_again()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        await Next();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);

        _time.Advance(TimeSpan.FromSeconds(5.1));

        var subscription = await _conversation.NextSubscription();
        Assert.Equal(new Cursor(0, 1), subscription.After);
        await _conversation.Post(new Cursor(0, 2), Reply.Text("b", offset: 1));
        Assert.Equal("b", TextOf(await waiting));
        Assert.Equal(["begin", "read 0.1", "subscribe 0.1"], _conversation.Calls);
    }

    [Fact]
    public async Task Subscriptions_tell_how_much_text_the_reader_has_received()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 3), Reply.Reasoning("Hm."));
        await _conversation.Post(new Cursor(1, 5), Reply.Reasoning("Hm."), Reply.Text("Hello", part: 1));
        await _conversation.Post(new Cursor(1, 4, 1), new ReplyRewritten(1, 2), Reply.Text("y!", part: 1, offset: 2));
        for (var i = 0; i < 3; i++) await Next();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);

        _time.Advance(TimeSpan.FromSeconds(5.1));

        Assert.Equal(3 + 4, (await _conversation.NextSubscription()).Received);
        await _conversation.Post(new Cursor(1, 5, 1), Reply.Text("!", part: 1, offset: 4));
        await waiting;
    }

    [Fact]
    public async Task Subscription_from_a_cursor_tells_the_length_that_the_cursor_shows()
    {
        using var reader = NewReader(new Cursor(2, 40));
        await reader.Subscribe();

        Assert.Equal(42, (await _conversation.NextSubscription()).Received);
    }

    [Fact]
    public async Task Heartbeats_prevent_a_catch_up()
    {
        await Begin();
        var waiting = Next();
        for (var i = 0; i < 4; i++)
        {
            await Until.True(() => _time.ArmedTimers > 0);
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.Equal(ReplyAck.Taken, await _conversation.Post(Cursor.Start));
        }
        Assert.Equal(["begin"], _conversation.Calls);
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await waiting));
    }

    [Fact]
    public async Task After_silos_departed_the_reader_catches_up_after_one_second_of_silence()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        await Next();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(2));

        _grains.Departures.Publish();
        // The clock must not move while the reader sets its timer.
        await Until.True(() => _time.NextDue - _time.GetUtcNow() <= TimeSpan.FromSeconds(1.1));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(["begin"], _conversation.Calls);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        await _conversation.NextSubscription();
        await _conversation.Post(new Cursor(0, 2), Reply.Text("b", offset: 1));
        Assert.Equal("b", TextOf(await waiting));
    }

    [Fact]
    public void Disposed_reader_is_not_subscribed_to_departures()
    {
        var disposed = Dispose(() => NewReader());
        GC.Collect();
        Assert.False(disposed.IsAlive);
        GC.KeepAlive(_grains.Departures);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Dispose(Func<ReplyReader> create)
        {
            var reader = create();
            reader.Dispose();
            return new WeakReference(reader);
        }
    }

    [Fact]
    public async Task Posting_a_batch_never_runs_the_reader_on_the_thread_that_posts()
    {
        await Begin();
        // Runs outside of the test's synchronization context, which would move the reader away from the poster's thread.
        var reading = Task.Run(async () =>
        {
            await _reader.Next(long.MaxValue);
            return Thread.CurrentThread;
        });
        await Until.True(() => _time.ArmedTimers > 0);

        var poster = new Thread(() => _conversation.Post(new Cursor(0, 1), Reply.Text("a")));
        poster.Start();

        Assert.NotSame(poster, await reading.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task After_silos_departed_a_heartbeat_prevents_a_catch_up()
    {
        await Begin();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);

        _grains.Departures.Publish();
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(ReplyAck.Taken, await _conversation.Post(Cursor.Start));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(ReplyAck.Taken, await _conversation.Post(new Cursor(0, 1), Reply.Text("a")));

        Assert.Equal("a", TextOf(await waiting));
        Assert.Equal(["begin"], _conversation.Calls);
    }

    [Fact]
    public async Task Reader_gives_up_when_a_conversation_does_not_answer_for_30_s()
    {
        await Begin();
        await _conversation.Post(new Cursor(0, 1), Reply.Text("a"));
        await Next();
        _conversation.Fault = _ => new ClusterException(ErrorCode.CallRejected, "No answer.");
        var waiting = Next();
        for (var i = 0; i < 40 && !waiting.IsCompleted; i++)
        {
            var armed = _conversation.Calls.Count;
            await Until.True(() => waiting.IsCompleted || _time.ArmedTimers > 0);
            _time.Advance(TimeSpan.FromSeconds(1));
            await Until.True(() => waiting.IsCompleted || _conversation.Calls.Count > armed || _time.ArmedTimers > 0);
        }

        var last = await waiting;

        Assert.Equal(ErrorCode.CallRejected, Assert.IsType<ReplyFailed>(Assert.Single(last!.Events)).Error.Code);
        Assert.True(_reader.Ended);
        Assert.True(_conversation.Calls.Count > 5);
    }

    [Fact]
    public async Task Reader_continues_when_the_conversation_answers_again()
    {
        await Begin();
        _conversation.Fault = _ => new ClusterException(ErrorCode.CallRejected, "No answer.");
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(6));
        await Until.True(() => _conversation.Calls.Count > 1 && _time.ArmedTimers > 0);
        _conversation.Fault = null;
        _conversation.Events.Add(Reply.Text("a"));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("a", TextOf(await waiting));
    }

    [Fact]
    public async Task Lost_turn_ends_with_an_error()
    {
        await Begin();
        _conversation.Fault = _ => new ClusterException(ErrorCode.NotFound, "expired");
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(Assert.Single((await waiting)!.Events)).Error.Code);
    }

    /// <summary>Keep-alives must be written meanwhile.</summary>
    [Fact]
    public async Task Reader_does_not_block_while_the_conversation_does_not_answer()
    {
        var answer = await StartCatchUpWithoutAnswer();

        _conversation.Events.Add(Reply.Text("a"));
        answer.SetResult();

        Assert.Equal("a", TextOf(await Next()));
    }

    [Fact]
    public async Task Reader_that_is_disposed_during_a_catch_up_closes_its_feed()
    {
        var answer = await StartCatchUpWithoutAnswer();

        _reader.Dispose();
        answer.SetResult();

        await _conversation.NextSubscription();
        await Until.True(() => _grains.Feeds.OpenCount == 0);
    }

    [Fact]
    public async Task Disconnect_ends_a_wait()
    {
        await Begin();
        var waiting = Next();
        await _aborted.CancelAsync();
        Assert.Null(await waiting);
    }

    [Fact]
    public async Task Deadline_ends_a_wait()
    {
        await Begin();
        var waiting = _reader.Next(_time.GetTimestamp() + TimeSpan.TicksPerSecond).AsTask();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Null(await waiting.WaitAsync(TestTimeout));
        Assert.False(_reader.Ended);
    }

    [Fact]
    public async Task Disposed_reader_answers_that_its_feed_is_gone()
    {
        await Begin();
        _reader.Dispose();
        Assert.Equal(ReplyAck.Gone, await _conversation.Post(new Cursor(0, 1), Reply.Text("a")));
        Assert.Equal(0, _grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Reader_returns_the_same_text_for_every_chunking_and_repetition()
    {
        await Begin();
        var random = new Random(11);
        var text = string.Concat(Enumerable.Range(0, 400).Select(i => $"{i},"));
        var received = new StringBuilder();
        var posted = 0;
        while (posted < text.Length)
        {
            var from = Math.Max(0, posted - random.Next(0, 12));
            var to = Math.Min(text.Length, posted + random.Next(0, 9));
            var middle = random.Next(from, to + 1);
            var events = new[] { Reply.Text(text[from..middle], offset: from), Reply.Text(text[middle..to], offset: middle) };
            events = [.. events.Where(e => e.Text.Length > 0)];
            _grains.Feeds.Post(_conversation.Feed!, new ReplyBatch(_turnId, events, new Cursor(0, to)));
            posted = Math.Max(posted, to);
            while (_reader.TryTake(out var batch)) received.Append(TextOf(batch));
        }
        Assert.Equal(text, received.ToString());
    }

    public void Dispose()
    {
        _reader.Dispose();
        _aborted.Dispose();
    }

    // Returns when the reader has stopped to wait, while the conversation still has not answered its catch-up.
    private async Task<TaskCompletionSource> StartCatchUpWithoutAnswer()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Begin();
        _conversation.ReadDelay = answer.Task;
        var waiting = _reader.Next(_time.GetTimestamp() + 6 * TimeSpan.TicksPerSecond).AsTask();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(5.1));
        await Until.True(() => _conversation.Calls.Contains("read 0.0"));
        await Until.True(() => _time.NextDue - _time.GetUtcNow() < TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await waiting.WaitAsync(TestTimeout));
        return answer;
    }

    private Task Begin() => _reader.Begin(new TurnRequest { TurnId = _turnId, TenantId = "acme", Model = "bot", Messages = [] });

    private ReplyReader NewReader(Cursor after = default)
    {
        var services = new ReplyReaderServices(_grains.Feeds, _grains.Departures, _time, NullLogger<ReplyReader>.Instance);
        return new ReplyReader(services, "acme", _turnId, _conversation, after, _aborted.Token);
    }

    private Task<ReplyBatch?> Next() => _reader.Next(long.MaxValue).AsTask().WaitAsync(TestTimeout);

    private static string TextOf(ReplyBatch? batch) => string.Concat(batch!.Events.OfType<ReplyText>().Select(text => text.Text.ToString()));
}
