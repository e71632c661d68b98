namespace CozeCluster.Grains.Tests.Runtime;

public sealed class CallErrorsTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    private const int Failed = 1012;

    private IFailingGrain Grain => Get<IFailingGrain>();

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_arrives_as_it_is_and_is_not_logged()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.Throw(nameof(ErrorCode.RateLimited), "Slow down, 慢.", "messages[0].content", 1_800_000_000));

        Assert.Equal(
            (ErrorCode.RateLimited, "Slow down, 慢.", "messages[0].content", DateTimeOffset.FromUnixTimeSeconds(1_800_000_000)),
            (error.Code, error.Message, error.Param, error.Until!.Value));
        Assert.Empty(Fixture.Logged.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_passes_a_grain_that_does_not_catch_it()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.RelayThrow(NewKey(), nameof(ErrorCode.ContentFiltered)));

        Assert.Equal((ErrorCode.ContentFiltered, "Relayed."), (error.Code, error.Message));
    }

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_exception_is_internal_without_its_text_and_is_logged(bool afterAwait)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await Grain.ThrowSecret(afterAwait));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(Assert.Single(Fixture.Logged.Of(Failed, Key)).Exception);
        Assert.True(await Grain.IsWell());
    }

    [Fact(Timeout = Hang)]
    public async Task An_exception_that_passes_several_grains_is_logged_once_where_it_was_thrown()
    {
        var other = NewKey();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.RelaySecret(other));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Single(Fixture.Logged.Of(Failed, other));
        Assert.Empty(Fixture.Logged.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task Cancellation_stays_cancellation_and_is_not_logged()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(Grain.Cancel);

        Assert.Empty(Fixture.Logged.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task A_callers_cancellation_reaches_the_call_that_runs()
    {
        using var cancel = new CancellationTokenSource();
        var holding = Get<IWorkingGrain>().Hold("never", cancel.Token);
        await Happened("held");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
        // The grain is free again.
        Probe.Open(Key);
        await Get<IWorkingGrain>().Hold(Key);
    }

    [Fact(Timeout = Hang)]
    public async Task A_caller_that_cancels_a_call_that_waits_is_released()
    {
        using var cancel = new CancellationTokenSource();
        var holding = Get<IWorkingGrain>().Hold(Key);
        await Happened("held");
        var waiting = Get<IWorkingGrain>().Hold("never", cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Probe.Open(Key);
        await holding;
        await Get<IWorkingGrain>().Hold(Key);
    }

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_activation_fails_its_call_at_once_and_the_next_call_activates_anew(bool isIdempotent)
    {
        var grain = Get<IFailingGrain>("broken-" + Key);
        Func<Task<bool>> call = isIdempotent ? grain.IsWellIdempotent : grain.IsWell;

        var error = await Assert.ThrowsAsync<ClusterException>(call);

        Assert.Equal((ErrorCode.QuotaExceeded, "Not now."), (error.Code, error.Message));
        Assert.True(await call());
        Assert.Equal(2, Probe.Count($"broken-{Key} activating"));
    }

    [Fact(Timeout = Hang)]
    public async Task An_activation_that_fails_each_time_is_reported_to_each_call()
    {
        for (var i = 1; i <= 3; i++)
        {
            var error = await Assert.ThrowsAsync<ClusterException>(Get<IFailingGrain>("never-" + Key).IsWell);
            Assert.Equal(ErrorCode.QuotaExceeded, error.Code);
            Assert.Equal(i, Probe.Count($"never-{Key} activating"));
        }
    }

    /// <summary>"Current directory at … is not stable to perform the lookup for grainId …. Retry later."</summary>
    [Fact]
    public void Translate_WhatTheGrainDirectoryThrows_IsUndelivered()
    {
        var error = new OrleansException("Retry later.");

        Assert.True(CallErrors.IsUndelivered(error));
        Assert.Equal(ErrorCode.CallRejected, Assert.IsType<ClusterException>(CallErrors.Translate(error)).Code);
    }

    [Fact]
    public void Translate_TimeoutAndSilosThatAreGone_IsRejected() => Assert.All(
        (Exception[])[new TimeoutException(), new SiloUnavailableException(), new OrleansException()],
        error => Assert.Equal(ErrorCode.CallRejected, Assert.IsType<ClusterException>(CallErrors.Translate(error)).Code));

    [Fact]
    public void Translate_OtherExceptions_AreInternal()
    {
        Assert.False(CallErrors.IsUndelivered(new InvalidOperationException()));
        Assert.Equal(ErrorCode.Internal, Assert.IsType<ClusterException>(CallErrors.Translate(new InvalidOperationException("secret"))).Code);
    }
}
