using System.Collections.Concurrent;

namespace CozeCluster.Engine.Contract;

/// <summary>Observers: in order, slow, failing, gone, not answering.</summary>
public abstract class ObserverContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    [Fact(Timeout = Hang)]
    public async Task Everything_arrives_in_order()
    {
        var observer = new Recorder();
        using var handle = Engine.Grains.Observe<IContractObserver>(observer);

        await Get<IObservedGrain>().Tell(500, handle.Reference);

        Assert.Equal(Enumerable.Range(0, 500), observer.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task Many_observers_each_get_everything_in_order()
    {
        var observers = Enumerable.Range(0, 20).Select(_ => new Recorder()).ToList();
        var handles = observers.Select(o => Engine.Grains.Observe<IContractObserver>(o)).ToList();

        await Task.WhenAll(handles.Select(h => Get<IObservedGrain>(NewKey()).Tell(100, h.Reference)));

        Assert.All(observers, o => Assert.Equal(Enumerable.Range(0, 100), o.Numbers));
        handles.ForEach(h => h.Dispose());
    }

    [Fact(Timeout = Hang)]
    public async Task An_observer_is_reachable_after_the_call_that_brought_it()
    {
        var observer = new Recorder();
        using var handle = Engine.Grains.Observe<IContractObserver>(observer);
        await Get<IObservedGrain>().Keep(handle.Reference);

        await Get<IObservedGrain>().TellKept(7);

        Assert.Equal([7], observer.Numbers);
        Assert.Equal("re: how, 怎么?", await Get<IObservedGrain>().AskKept("how, 怎么?"));
    }

    [Fact(Timeout = Hang)]
    public async Task No_observer_may_be_passed() => await Get<IObservedGrain>().Keep(null);

    [Fact(Timeout = Hang)]
    public async Task A_slow_observer_holds_up_its_own_calls_only()
    {
        var observer = new Recorder { Gate = Probe.Pass(Key) };
        using var handle = Engine.Grains.Observe<IContractObserver>(observer);
        await Get<IObservedGrain>().Keep(handle.Reference);
        await Get<IObservedGrain>().TellInBackground(3);
        await observer.First.Task;

        Assert.True(await Get<IObservedGrain>().IsFree());
        Assert.Equal([0], observer.Numbers);
        Probe.Open(Key);

        await Probe.Happened(Key + " told");
        Assert.Equal([0, 1, 2], observer.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task A_slow_observer_holds_up_no_other_observer()
    {
        var slow = new Recorder { Gate = Probe.Pass(Key) };
        using var slowHandle = Engine.Grains.Observe<IContractObserver>(slow);
        await Get<IObservedGrain>().Keep(slowHandle.Reference);
        await Get<IObservedGrain>().TellInBackground(2);
        var others = Enumerable.Range(0, 20).Select(_ => new Recorder()).ToList();
        var handles = others.Select(o => Engine.Grains.Observe<IContractObserver>(o)).ToList();

        await Task.WhenAll(handles.Select(h => Get<IObservedGrain>(NewKey()).Tell(50, h.Reference)));

        Assert.All(others, o => Assert.Equal(Enumerable.Range(0, 50), o.Numbers));
        await slow.First.Task;
        Assert.Equal([0], slow.Numbers);
        Probe.Open(Key);
        await Probe.Happened(Key + " told");
        handles.ForEach(h => h.Dispose());
    }

    [Fact(Timeout = Hang)]
    public async Task An_observer_that_does_not_answer_is_given_up_on()
    {
        var observer = new Recorder { Gate = Probe.Pass("never") };
        using var handle = Engine.Grains.Observe<IContractObserver>(observer);
        await Get<IObservedGrain>().Keep(handle.Reference);

        await Get<IObservedGrain>().AskKeptWithin("anybody?", 50);

        await Probe.Happened(Key + " gave up");
        Assert.True(await Get<IObservedGrain>().IsFree());
    }

    [Fact(Timeout = 3 * Hang)]
    public async Task A_disposed_observer_is_called_no_more_and_the_grain_hears_of_it()
    {
        var observer = new Recorder();
        var handle = Engine.Grains.Observe<IContractObserver>(observer);
        await Get<IObservedGrain>().Keep(handle.Reference);

        handle.Dispose();

        // Some engines notice only when the call has timed out.
        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IObservedGrain>().TellKept(1));
        Assert.Equal(ErrorCode.EngineRejected, error.Code);
        Assert.Empty(observer.Numbers);
    }

    [Fact(Timeout = Hang)]
    public async Task What_an_observer_throws_reaches_the_grain()
    {
        var observer = new Recorder { Gate = Task.FromException(new ClusterException(ErrorCode.Cancelled, "Enough.", "field")) };
        using var handle = Engine.Grains.Observe<IContractObserver>(observer);
        await Get<IObservedGrain>().Keep(handle.Reference);

        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IObservedGrain>().AskKept("more?"));

        Assert.Equal((ErrorCode.Cancelled, "Enough.", "field"), (error.Code, error.Message, error.Param));
    }

    private sealed class Recorder : IContractObserver
    {
        private readonly ConcurrentQueue<int> _numbers = new();

        public Task Gate { get; init; } = Task.CompletedTask;

        public TaskCompletionSource First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<int> Numbers => [.. _numbers];

        public async Task OnNumber(int number)
        {
            _numbers.Enqueue(number);
            First.TrySetResult();
            await Gate;
        }

        public async ValueTask<string> Ask(string question)
        {
            await Gate;
            return "re: " + question;
        }
    }
}
