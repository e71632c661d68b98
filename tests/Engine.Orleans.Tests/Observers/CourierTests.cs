using System.Threading.Channels;
using CozeCluster.TestKit;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans.Tests.Observers;

/// <summary>Who leaves with whom, and what becomes of it.</summary>
public sealed class CourierTests
{
    private const int Hang = 30_000;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);
    private readonly ManualTime _time = new();
    private readonly Hub _hub = new();
    private readonly Courier _courier;

    public CourierTests() => _courier = new Courier(_hub, new OrleansEngineOptions(), _time);

    [Fact(Timeout = Hang)]
    public async Task Few_calls_leave_at_once()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(i, await Call(i));
            _time.Advance(Pace / 2);
        }

        Assert.Equal(20, _hub.Departures.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task A_crowd_leaves_together_for_as_long_as_it_is_one()
    {
        for (var i = 0; i < 2; i++) await Call(i);
        var crowd = Calls(10, 6);
        Assert.All(crowd, call => Assert.False(call.IsCompleted));

        _time.Advance(Pace);
        var together = await Task.WhenAll(crowd);
        var few = Calls(20, 2);
        _time.Advance(Pace);
        var last = await Task.WhenAll(few);

        Assert.Equal([10, 11, 12, 13, 14, 15], together);
        Assert.Equal([20, 21], last);
        Assert.Equal([1, 1, 6, 2], _hub.Departures);
        _time.Advance(Pace);
        Assert.Equal(0, _time.ArmedTimers);
        await Call(30);
    }

    [Fact(Timeout = Hang)]
    public async Task The_first_call_of_an_observer_leaves_at_once_with_who_waits()
    {
        for (var i = 0; i < 2; i++) await Call(i);
        var crowd = Calls(10, 3);

        Assert.Equal(20, await Call(20, atOnce: true));

        var others = await Task.WhenAll(crowd);
        Assert.Equal([10, 11, 12], others);
        Assert.Equal([1, 1, 4], _hub.Departures);
    }

    [Fact(Timeout = Hang)]
    public async Task Calls_without_an_answer_are_given_up_and_hold_up_nobody()
    {
        _hub.Silent = true;
        var lost = Call(1);
        await _hub.Heard.Reader.ReadAsync(TestContext.Current.CancellationToken);
        _hub.Silent = false;

        Assert.Equal(2, await Call(2));
        Assert.False(lost.IsCompleted);
        // The call is heard of before its patience begins.
        while (_time.ArmedTimers == 0) await Task.Yield();
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(ErrorCode.EngineRejected, (await Assert.ThrowsAsync<ClusterException>(() => lost)).Code);
    }

    [Fact(Timeout = Hang)]
    public async Task What_one_call_spoils_the_others_get_by_themselves()
    {
        _hub.Unreadable = 12;
        for (var i = 0; i < 2; i++) await Call(i);
        var crowd = Calls(10, 5);

        _time.Advance(Pace);

        foreach (var i in (int[])[0, 1, 3, 4]) Assert.Equal(10 + i, await crowd[i]);
        Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(() => crowd[2])).Code);
    }

    [Fact(Timeout = Hang)]
    public async Task A_slow_answer_is_asked_for()
    {
        _hub.Slow = 1;

        Assert.Equal(1, await Call(1));
        Assert.Equal(1, _hub.Collected);
    }

    private List<Task<long>> Calls(int first, int count) => [.. Enumerable.Range(first, count).Select(i => Call(i))];

    private Task<long> Call(long observer, bool atOnce = false) => _courier.Call<long>(observer, null!, atOnce);

    /// <summary>Answers each call with the observer's number.</summary>
    private sealed class Hub : IObserverHub
    {
        public List<int> Departures { get; } = [];

        public Channel<int> Heard { get; } = Channel.CreateUnbounded<int>();

        public bool Silent { get; set; }

        public long? Unreadable { get; set; }

        public long? Slow { get; set; }

        public int Collected { get; private set; }

        public async ValueTask<ObserverAnswer[]> Deliver(ObserverCall[] calls)
        {
            Departures.Add(calls.Length);
            var silent = Silent;
            Heard.Writer.TryWrite(calls.Length);
            if (silent) await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            if (calls.Any(call => call.Observer == Unreadable)) throw new InvalidOperationException("Cannot be read.");
            return Array.ConvertAll(calls, call => call.Observer == Slow ? new ObserverAnswer(null, call.Observer) : new ObserverAnswer(Response.FromResult(call.Observer), 0));
        }

        public ValueTask<ObserverAnswer> Collect(long ticket)
        {
            Collected++;
            return new(new ObserverAnswer(Response.FromResult(ticket), 0));
        }
    }
}
