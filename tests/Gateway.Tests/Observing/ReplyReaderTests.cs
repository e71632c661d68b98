using System.Runtime.CompilerServices;
using System.Text;
using CozeCluster.Gateway.Observing;
using CozeCluster.Gateway.Tests.Fakes;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Gateway.Tests.Observing;

public sealed class ReplyReaderTests : IDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);
    private readonly FakeGrains _grains = new();
    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly FakeConversation _conversation;
    private readonly string _turnId = TurnId.New("acme", null);
    private readonly ReplyReader _reader;

    public ReplyReaderTests()
    {
        TurnId.TryGetConversation(_turnId, out var key);
        _conversation = _grains.Conversation(key);
        _reader = NewReader();
    }

    [Fact]
    public async Task Batches_come_in_order_and_the_end_ends()
    {
        await Begin();
        var waiting = Next();
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await waiting));

        await _conversation.Tell(new Cursor(0, 2), Reply.Text("b", offset: 1));
        await _conversation.Tell(new Cursor(0, 3), Reply.Text("c", offset: 2), Reply.Stop());
        Assert.True(_reader.TryTake(out var second));
        Assert.False(_reader.Ended);
        Assert.True(_reader.TryTake(out var third));
        Assert.Equal("bc", TextOf(second) + TextOf(third));
        Assert.True(_reader.Ended);
        Assert.Equal(new Cursor(0, 3), _reader.Cursor);
    }

    [Fact]
    public async Task What_is_there_already_is_dropped_or_cut()
    {
        await Begin();
        await _conversation.Tell(new Cursor(0, 3), Reply.Text("abc"));
        await _conversation.Tell(new Cursor(0, 3), Reply.Text("abc"));
        await _conversation.Tell(new Cursor(1, 1), Reply.Text("bcde", offset: 1), Reply.Item(1, new FollowUpItem("f", "x")));
        await _conversation.Tell(new Cursor(1, 1), Reply.Item(1, new FollowUpItem("f", "x")), Reply.Stop());

        Assert.Equal("abc", TextOf(await Next()));
        var rest = await Next();
        Assert.Equal(new Cursor(0, 3), new Cursor(0, ((ReplyText)rest!.Events[0]).Offset));
        Assert.Equal("de", TextOf(rest));
        Assert.Equal(2, rest.Events.Count);
        Assert.IsType<ReplyCompleted>(Assert.Single((await Next())!.Events));
    }

    [Fact]
    public async Task A_gap_is_read_for()
    {
        await Begin();
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await Next()));
        _conversation.Told.Add(Reply.Text("b", offset: 1));
        var waiting = Next();
        await _conversation.Tell(new Cursor(0, 3), Reply.Text("c", offset: 2));

        var text = TextOf(await waiting);

        Assert.Equal("bc", text);
        Assert.Contains("read 0.1", _conversation.Calls);
    }

    [Fact]
    public async Task A_full_queue_refuses_and_is_pulled_after_it_drained()
    {
        await Begin();
        var told = new StringBuilder();
        var refused = 0;
        for (var i = 0; i < 200; i++)
        {
            var text = $"<{i}>";
            if (await _conversation.Tell(new Cursor(0, told.Length + text.Length), Reply.Text(text, offset: told.Length)) == ReplyAck.Full) refused++;
            told.Append(text);
        }
        Assert.Equal(200 - ReplyQueue.MaxBatches, refused);
        var old = _conversation.Feed!;

        var heard = new StringBuilder();
        while (heard.Length < told.Length) heard.Append(TextOf(await Next()));
        Assert.Equal(told.ToString(), heard.ToString());

        // Caught up: it subscribes again after what it has read, and the old feed is closed.
        var waiting = Next();
        var subscription = await _conversation.NextSubscription();
        Assert.Equal(new Cursor(0, told.Length), subscription.After);
        Assert.Equal(ReplyAck.Gone, _grains.Feeds.Post(old, new ReplyBatch(_turnId, [Reply.Text("?")], default)));
        Assert.NotEqual(old, subscription.Feed);
        await _conversation.Tell(new Cursor(0, told.Length + 1), Reply.Text("!", offset: told.Length), Reply.Stop());
        Assert.Equal("!", TextOf(await waiting));
        Assert.Equal(1, _grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Queue_counts_characters_too()
    {
        await Begin();
        var big = new string('x', ReplyQueue.MaxChars - 10);
        Assert.Equal(ReplyAck.Taken, await _conversation.Tell(new Cursor(0, big.Length), Reply.Text(big)));
        Assert.Equal(ReplyAck.Full, await _conversation.Tell(new Cursor(0, big.Length + 20), Reply.Text(new string('y', 20), offset: big.Length)));
    }

    [Fact]
    public async Task One_batch_that_is_larger_than_the_queue_is_taken_alone()
    {
        await Begin();
        var huge = new string('x', ReplyQueue.MaxChars * 2);
        Assert.Equal(ReplyAck.Taken, await _conversation.Tell(new Cursor(0, huge.Length), Reply.Text(huge)));
    }

    [Fact]
    public async Task Silence_makes_it_look_and_observe_again()
    {
        await Begin();
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
        await Next();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);

        _time.Advance(TimeSpan.FromSeconds(5.1));

        var subscription = await _conversation.NextSubscription();
        Assert.Equal(new Cursor(0, 1), subscription.After);
        await _conversation.Tell(new Cursor(0, 2), Reply.Text("b", offset: 1));
        Assert.Equal("b", TextOf(await waiting));
        Assert.Equal(["begin", "read 0.1", "subscribe 0.1"], _conversation.Calls);
    }

    [Fact]
    public async Task Signs_of_life_break_the_silence()
    {
        await Begin();
        var waiting = Next();
        for (var i = 0; i < 4; i++)
        {
            await Until.True(() => _time.ArmedTimers > 0);
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.Equal(ReplyAck.Taken, await _conversation.Tell(Cursor.Start));
        }
        Assert.Equal(["begin"], _conversation.Calls);
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
        Assert.Equal("a", TextOf(await waiting));
    }

    [Fact]
    public async Task Nodes_that_have_gone_make_it_look_after_a_second_of_silence()
    {
        await Begin();
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
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
        await _conversation.Tell(new Cursor(0, 2), Reply.Text("b", offset: 1));
        Assert.Equal("b", TextOf(await waiting));
    }

    [Fact]
    public void A_disposed_reader_is_not_subscribed_to_departures_any_more()
    {
        var disposed = Dispose(NewReader);
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
        // Outside of the test's synchronization context, which would carry the reader away from the poster's thread.
        var reading = Task.Run(async () =>
        {
            await _reader.Next(long.MaxValue);
            return Thread.CurrentThread;
        });
        await Until.True(() => _time.ArmedTimers > 0);

        var poster = new Thread(() => _conversation.Tell(new Cursor(0, 1), Reply.Text("a")));
        poster.Start();

        Assert.NotSame(poster, await reading.WaitAsync(Guard));
    }

    [Fact]
    public async Task Nodes_that_have_gone_are_nothing_to_a_conversation_that_shows_that_it_lives()
    {
        await Begin();
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);

        _grains.Departures.Publish();
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(ReplyAck.Taken, await _conversation.Tell(Cursor.Start));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(ReplyAck.Taken, await _conversation.Tell(new Cursor(0, 1), Reply.Text("a")));

        Assert.Equal("a", TextOf(await waiting));
        Assert.Equal(["begin"], _conversation.Calls);
    }

    [Fact]
    public async Task A_conversation_out_of_reach_is_tried_for_30_s_and_then_given_up()
    {
        await Begin();
        await _conversation.Tell(new Cursor(0, 1), Reply.Text("a"));
        await Next();
        _conversation.Fault = _ => new ClusterException(ErrorCode.CallRejected, "away");
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
    public async Task A_conversation_that_comes_back_is_followed_on()
    {
        await Begin();
        _conversation.Fault = _ => new ClusterException(ErrorCode.CallRejected, "away");
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(6));
        await Until.True(() => _conversation.Calls.Count > 1 && _time.ArmedTimers > 0);
        _conversation.Fault = null;
        _conversation.Told.Add(Reply.Text("a"));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("a", TextOf(await waiting));
    }

    [Fact]
    public async Task A_turn_that_is_gone_ends_with_an_error_that_says_so()
    {
        await Begin();
        _conversation.Fault = _ => new ClusterException(ErrorCode.NotFound, "expired");
        var waiting = Next();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(Assert.Single((await waiting)!.Events)).Error.Code);
    }

    /// <summary>Clients are to be shown signs of life meanwhile.</summary>
    [Fact]
    public async Task A_conversation_that_does_not_answer_holds_up_nobody()
    {
        var answer = await LookInVain();

        _conversation.Told.Add(Reply.Text("a"));
        answer.SetResult();

        Assert.Equal("a", TextOf(await Next()));
    }

    [Fact]
    public async Task A_reader_that_is_disposed_while_it_looks_observes_no_more()
    {
        var answer = await LookInVain();

        _reader.Dispose();
        answer.SetResult();

        await _conversation.NextSubscription();
        await Until.True(() => _grains.Feeds.OpenCount == 0);
    }

    [Fact]
    public async Task Client_gone_ends_a_wait()
    {
        await Begin();
        var waiting = Next();
        await _gone.CancelAsync();
        Assert.Null(await waiting);
    }

    [Fact]
    public async Task A_deadline_ends_a_wait()
    {
        await Begin();
        var waiting = _reader.Next(_time.GetTimestamp() + TimeSpan.TicksPerSecond).AsTask();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Null(await waiting.WaitAsync(Guard));
        Assert.False(_reader.Ended);
    }

    [Fact]
    public async Task Disposed_reader_tells_whoever_still_calls()
    {
        await Begin();
        _reader.Dispose();
        Assert.Equal(ReplyAck.Gone, await _conversation.Tell(new Cursor(0, 1), Reply.Text("a")));
        Assert.Equal(0, _grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Any_chunking_with_any_repetition_reads_as_the_same_text()
    {
        await Begin();
        var random = new Random(11);
        var text = string.Concat(Enumerable.Range(0, 400).Select(i => $"{i},"));
        var heard = new StringBuilder();
        var told = 0;
        while (told < text.Length)
        {
            var from = Math.Max(0, told - random.Next(0, 12));
            var to = Math.Min(text.Length, told + random.Next(0, 9));
            var middle = random.Next(from, to + 1);
            var events = new[] { Reply.Text(text[from..middle], offset: from), Reply.Text(text[middle..to], offset: middle) }.Where(e => e.Text.Length > 0).ToArray();
            _grains.Feeds.Post(_conversation.Feed!, new ReplyBatch(_turnId, events, new Cursor(0, to)));
            told = Math.Max(told, to);
            while (_reader.TryTake(out var batch)) heard.Append(TextOf(batch));
        }
        Assert.Equal(text, heard.ToString());
    }

    public void Dispose()
    {
        _reader.Dispose();
        _gone.Dispose();
    }

    // Until there is no more time to wait, and the conversation has not answered yet.
    private async Task<TaskCompletionSource> LookInVain()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Begin();
        _conversation.Reading = answer.Task;
        var waiting = _reader.Next(_time.GetTimestamp() + 6 * TimeSpan.TicksPerSecond).AsTask();
        await Until.True(() => _time.ArmedTimers > 0);
        _time.Advance(TimeSpan.FromSeconds(5.1));
        await Until.True(() => _conversation.Calls.Contains("read 0.0"));
        await Until.True(() => _time.NextDue - _time.GetUtcNow() < TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await waiting.WaitAsync(Guard));
        return answer;
    }

    private Task Begin() => _reader.Begin(new TurnRequest { TurnId = _turnId, TenantId = "acme", Model = "bot", Messages = [] });

    private ReplyReader NewReader() =>
        new(new ReplyReaderServices(_grains.Feeds, _grains.Departures, _time, NullLogger<ReplyReader>.Instance), "acme", _turnId, _conversation, Cursor.Start, _gone.Token);

    private Task<ReplyBatch?> Next() => _reader.Next(long.MaxValue).AsTask().WaitAsync(Guard);

    private static string TextOf(ReplyBatch? batch) => string.Concat(batch!.Events.OfType<ReplyText>().Select(text => text.Text.ToString()));
}
