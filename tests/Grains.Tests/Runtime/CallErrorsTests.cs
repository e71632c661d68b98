namespace CozeCluster.Grains.Tests.Runtime;

public sealed class CallErrorsTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    private const int Failed = 1012;

    private IFailingGrain Grain => Get<IFailingGrain>();

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_reaches_the_caller_unchanged_and_is_not_logged()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(
            () => Grain.Throw(nameof(ErrorCode.RateLimited), "Slow down, 慢.", "messages[0].content", 1_800_000_000));

        Assert.Equal(
            (ErrorCode.RateLimited, "Slow down, 慢.", "messages[0].content", DateTimeOffset.FromUnixTimeSeconds(1_800_000_000)),
            (error.Code, error.Message, error.Param, error.Until!.Value));
        Assert.Empty(Fixture.Log.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_passes_through_a_grain()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.RelayThrow(NewKey(), nameof(ErrorCode.ContentFiltered)));

        Assert.Equal((ErrorCode.ContentFiltered, "Relayed."), (error.Code, error.Message));
    }

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_exception_becomes_Internal_without_its_text_and_is_logged(bool afterAwait)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await Grain.ThrowSecret(afterAwait));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(Assert.Single(Fixture.Log.Of(Failed, Key)).Exception);
        Assert.True(await Grain.IsOk());
    }

    [Fact(Timeout = Hang)]
    public async Task An_exception_that_passes_through_several_grains_is_logged_once()
    {
        var other = NewKey();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.RelaySecret(other));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Single(Fixture.Log.Of(Failed, other));
        Assert.Empty(Fixture.Log.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task Cancellation_reaches_the_caller_and_is_not_logged()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(Grain.Cancel);

        Assert.Empty(Fixture.Log.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task A_running_call_is_cancelled_with_its_caller()
    {
        using var cancel = new CancellationTokenSource();
        var holding = Get<IWorkingGrain>().Hold("never", cancel.Token);
        await Happened("held");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
        // The grain can run the next call.
        Probe.Open(Key);
        await Get<IWorkingGrain>().Hold(Key);
    }

    [Fact(Timeout = Hang)]
    public async Task A_waiting_call_is_cancelled_with_its_caller()
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
    public async Task A_failed_activation_fails_its_call_at_once_and_the_next_call_activates_the_grain(bool isIdempotent)
    {
        var grain = Get<IFailingGrain>("broken-" + Key);
        Func<Task<bool>> call = isIdempotent ? grain.IsOkIdempotent : grain.IsOk;

        var error = await Assert.ThrowsAsync<ClusterException>(call);

        Assert.Equal((ErrorCode.QuotaExceeded, "Not now."), (error.Code, error.Message));
        Assert.True(await call());
        Assert.Equal(2, Probe.Count($"broken-{Key} activating"));
    }

    [Fact(Timeout = Hang)]
    public async Task An_activation_that_always_fails_fails_each_call()
    {
        for (var i = 1; i <= 3; i++)
        {
            var error = await Assert.ThrowsAsync<ClusterException>(Get<IFailingGrain>("never-" + Key).IsOk);
            Assert.Equal(ErrorCode.QuotaExceeded, error.Code);
            Assert.Equal(i, Probe.Count($"never-{Key} activating"));
        }
    }

    /// <summary>The exception "Current directory at … is not stable to perform the lookup for grainId …. Retry later."</summary>
    [Fact]
    public void Translate_ExceptionOfTheGrainDirectory_IsUndelivered()
    {
        var error = new OrleansException("Retry later.");

        Assert.True(CallErrors.IsUndelivered(error));
        Assert.Equal(ErrorCode.CallRejected, Assert.IsType<ClusterException>(CallErrors.Translate(error)).Code);
    }

    [Fact]
    public void Translate_TimeoutsAndFailedSilos_AreUndelivered() => Assert.All(
        (Exception[])[new TimeoutException(), new SiloUnavailableException(), new OrleansException()],
        error => Assert.Equal(ErrorCode.CallRejected, Assert.IsType<ClusterException>(CallErrors.Translate(error)).Code));

    [Fact]
    public void Translate_OtherExceptions_AreInternal()
    {
        Assert.False(CallErrors.IsUndelivered(new InvalidOperationException()));
        Assert.Equal(ErrorCode.Internal, Assert.IsType<ClusterException>(CallErrors.Translate(new InvalidOperationException("secret"))).Code);
    }
}
