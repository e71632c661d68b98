namespace CozeCluster.Engine.Contract;

/// <summary>Calls, turns and interleaving.</summary>
public abstract class TurnContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    [Fact(Timeout = Hang)]
    public async Task Calls_of_one_caller_that_awaits_each_run_in_order()
    {
        for (var i = 0; i < 200; i++) await Get<ITurnsGrain>().Record(i);

        Assert.Equal(string.Join(' ', Enumerable.Range(0, 200)), await Get<ITurnsGrain>().Recorded());
    }

    [Fact(Timeout = 2 * Hang)]
    public async Task Ten_thousand_calls_at_once_run_one_at_a_time_and_none_is_lost()
    {
        var calls = Enumerable.Range(0, 10_000).Select(i => Task.Run(async () => i % 2 == 0 ? await Get<ITurnsGrain>().Exclusive() : await Get<ITurnsGrain>().ExclusiveAdd(1)));

        var totals = await Task.WhenAll(calls);

        Assert.Equal(Enumerable.Range(1, 10_000), totals.Order());
    }

    [Fact(Timeout = Hang)]
    public async Task Interleaving_calls_never_run_on_two_threads_at_once()
    {
        var totals = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => Get<ITurnsGrain>().Count(200))));

        Assert.Equal(20 * 200, totals.Max());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_waits_until_the_one_before_has_ended()
    {
        var holding = Get<ITurnsGrain>().Hold(Key);
        await Probe.Happened(Key);
        var waiting = Get<ITurnsGrain>().Exclusive();
        await Get<ITurnsGrain>().Peek();

        Assert.False(waiting.IsCompleted);

        Probe.Open(Key);
        await holding;
        Assert.Equal(1, await waiting);
    }

    [Fact(Timeout = Hang)]
    public async Task An_interleaving_call_runs_while_another_awaits()
    {
        var holding = Get<ITurnsGrain>().Hold(Key);
        await Probe.Happened(Key);

        Assert.Equal(Key, await Get<ITurnsGrain>().Name());
        var waiting = Get<ITurnsGrain>().Wait(Key);
        await Probe.Happened(Key, 2);

        Assert.False(holding.IsCompleted);
        Probe.Open(Key);
        await Task.WhenAll(holding, waiting);
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_may_be_asked_back_by_an_interleaving_call_while_it_waits() =>
        Assert.Equal(Key, await Get<ITurnsGrain>().AskThrough(NewKey()));

    [Fact(Timeout = Hang)]
    public async Task Different_grains_run_side_by_side()
    {
        var keys = Enumerable.Range(0, 50).Select(_ => NewKey()).ToList();
        var holding = keys.Select(k => Get<ITurnsGrain>(k).Hold(Key)).ToList();

        await Probe.Happened(Key, keys.Count);

        Probe.Open(Key);
        await Task.WhenAll(holding);
    }

    [Fact(Timeout = Hang)]
    public async Task A_caller_that_cancels_reaches_the_running_call()
    {
        using var cancel = new CancellationTokenSource();
        var holding = Get<ITurnsGrain>().Hold(Key, cancel.Token);
        await Probe.Happened(Key);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
        Assert.Equal(1, await Get<ITurnsGrain>().Exclusive());
    }

    [Fact(Timeout = Hang)]
    public async Task A_caller_that_cancels_while_its_call_waits_for_its_turn_is_not_kept()
    {
        using var cancel = new CancellationTokenSource();
        var holding = Get<ITurnsGrain>().Hold(Key);
        await Probe.Happened(Key);
        var waiting = Get<ITurnsGrain>().Hold("never", cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Probe.Open(Key);
        await holding;
        Assert.Equal(1, await Get<ITurnsGrain>().Exclusive());
    }

    [Theory(Timeout = Hang)]
    [InlineData("")]
    [InlineData("with\nnewline")]
    [InlineData("naïve")]
    [InlineData("中文")]
    public void Keys_that_are_not_printable_ascii_are_refused(string key) => Assert.Throws<ArgumentException>(() => Get<ITurnsGrain>(key));

    [Fact(Timeout = Hang)]
    public async Task Keys_have_at_most_a_hundred_characters()
    {
        Assert.Throws<ArgumentException>(() => Get<ITurnsGrain>(new string('k', 101)));
        var longest = Key.PadRight(100, '~');
        Assert.Equal(longest, await Get<ITurnsGrain>(longest).Name());
    }

    [Fact(Timeout = Hang)]
    public void Kinds_that_nobody_registered_are_refused() => Assert.Throws<ArgumentException>(() => Get<IUnregisteredGrain>());

    /// <summary>No engine knows this one.</summary>
    public interface IUnregisteredGrain : IGrain;
}
