using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// Brings this process's calls to the observers of one other. A call of Orleans' costs more than what it says to an observer, so where a crowd of them comes they leave
/// together, every <see cref="Pace"/>; where few come, each leaves at once, and so does the first to an observer, which somebody waits for. Each is answered by itself,
/// and none waits for the answers to those before: a slow observer, or a call that got lost, holds up nobody else.
/// </summary>
internal sealed class Courier : IThreadPoolWorkItem
{
    /// <summary>Less than anybody notices between two pieces of a text.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    /// <summary>How many departures within a <see cref="Pace"/>, or calls that wait at its end, are a crowd. What is spared is threads that wake up, here and there.</summary>
    private const int Crowd = 2;

    /// <summary>Keeps a call of Orleans' at some megabytes.</summary>
    private const int MostAtOnce = 256;

    private readonly IObserverHub _hub;
    private readonly OrleansEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private List<WaitingCall> _waiting = [];
    private long _since;
    private int _departures;
    private bool _ticks;
    private bool _leaves;

    public Courier(IObserverHub hub, OrleansEngineOptions options, TimeProvider time)
    {
        _hub = hub;
        _options = options;
        _time = time;
        _timer = time.CreateTimer(static courier => ((Courier)courier!).Depart(isTick: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    void IThreadPoolWorkItem.Execute() => Depart(isTick: false);

    /// <summary>Calls an observer of the hub.</summary>
    /// <param name="observer">The observer's number there.</param>
    /// <param name="request">The call.</param>
    /// <param name="atOnce">Whether it leaves at once in any case, and who waits with it.</param>
    /// <exception cref="ClusterException">What the observer threw; <see cref="ErrorCode.EngineRejected"/> if nobody answered in time.</exception>
    public Task<T> Call<T>(long observer, IInvokable request, bool atOnce)
    {
        var call = new WaitingCall<T>(new ObserverCall(observer, request));
        lock (_gate)
        {
            _waiting.Add(call);
            if (_leaves || (_ticks && !atOnce)) return call.Result;
            if (_time.GetElapsedTime(_since) >= Pace) (_since, _departures) = (_time.GetTimestamp(), 0);
            if (++_departures > Crowd && !_ticks)
            {
                _ticks = true;
                _timer.Change(Pace, Pace);
            }
            if (_ticks && !atOnce) return call.Result;
            _leaves = true;
        }
        // Not here: what Orleans and the observer do is none of the grain's turn.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return call.Result;
    }

    /// <summary>Sends off who waits.</summary>
    private void Depart(bool isTick)
    {
        List<WaitingCall> calls;
        lock (_gate)
        {
            if (!isTick)
            {
                _leaves = false;
            }
            else if (_waiting.Count < Crowd)
            {
                // No crowd any more.
                _ticks = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            if (_waiting.Count == 0) return;
            calls = _waiting;
            _waiting = new List<WaitingCall>(calls.Count);
        }
        foreach (var some in calls.Chunk(MostAtOnce)) _ = Deliver(some);
    }

    private async Task Deliver(WaitingCall[] calls)
    {
        var began = _time.GetTimestamp();
        try
        {
            // Whoever is gone does not answer: the process may be gone without anybody's knowing.
            var answers = await _hub.Deliver(Array.ConvertAll(calls, call => call.Call)).AsTask().WaitAsync(_options.ObserverTimeout, _time, CancellationToken.None);
            for (var i = 0; i < calls.Length; i++)
            {
                if (answers[i].Response is { } response) calls[i].Answered(response);
                else _ = Collect(calls[i], answers[i].Ticket, _options.ObserverTimeout - _time.GetElapsedTime(began));
            }
        }
        catch (Exception e) when (calls.Length > 1 && e is not TimeoutException && !Failure.IsUndelivered(e))
        {
            // One that the other side cannot read spoiled it for all: each by itself, then.
            foreach (var call in calls) _ = Deliver([call]);
        }
        catch (Exception e)
        {
            foreach (var call in calls) call.Failed(e);
        }
    }

    private async Task Collect(WaitingCall call, long ticket, TimeSpan patience)
    {
        try
        {
            var answer = await _hub.Collect(ticket).AsTask().WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, _time, CancellationToken.None);
            call.Answered(answer.Response!);
        }
        catch (Exception e)
        {
            call.Failed(e);
        }
    }

    private abstract class WaitingCall(ObserverCall call)
    {
        public ObserverCall Call => call;

        public abstract void Answered(Response response);

        public abstract void Failed(Exception error);
    }

    private sealed class WaitingCall<T>(ObserverCall call) : WaitingCall(call)
    {
        // Whoever awaits it goes on on the scheduler of its grain: no other hop is needed.
        private readonly TaskCompletionSource<T> _result = new();

        public Task<T> Result => _result.Task;

        public override void Answered(Response response)
        {
            if (response.Exception is { } error) _result.TrySetException(error);
            else _result.TrySetResult(response.GetResult<T>());
        }

        public override void Failed(Exception error) => _result.TrySetException(Failure.Translate(error));
    }
}
