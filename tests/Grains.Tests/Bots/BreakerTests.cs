using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

public sealed class BreakerTests
{
    private static readonly Error Down = new(ErrorCode.UpstreamUnavailable, "Down.");
    private static readonly Error Broken = new(ErrorCode.UpstreamFailed, "Coze says: bot 7350 failed.");

    private readonly ManualTime _time = new();
    private readonly BotBreakers _breakers;
    private int _turns;

    public BreakerTests() => _breakers = new BotBreakers(_time);

    [Fact]
    public void RecordFailure_BelowTheThreshold_KeepsItClosed()
    {
        for (var i = 1; i < Breaker.Threshold; i++) Fail(Down);
        Assert.True(IsOpenFor("a"));
        Assert.True(IsOpenFor("a"));
    }

    [Fact]
    public void RecordFailure_AtTheThreshold_StopsTurnsForTwoSecondsAndThenAllowsOne()
    {
        FailThreeTimes(Down);
        Assert.False(IsOpenFor("a"));
        _time.Advance(TimeSpan.FromSeconds(2));

        var probe = Begin("a")!;
        Assert.False(IsOpenFor("a"));
        _breakers.RecordSuccess(probe);
        _breakers.Leave(probe);

        Assert.NotNull(Begin("a"));
        Assert.NotNull(Begin("a"));
    }

    [Fact]
    public void RecordFailure_OfTheProbe_StopsTurnsForTwiceAsLong_AndNeverForMoreThan30Seconds()
    {
        FailThreeTimes(Down);
        foreach (var seconds in new[] { 2, 4, 8, 16, 30, 30 })
        {
            _time.Advance(TimeSpan.FromSeconds(seconds - 1));
            Assert.False(IsOpenFor("a"));
            _time.Advance(TimeSpan.FromSeconds(1));
            Fail(Down);
        }
    }

    [Fact]
    public void RecordFailure_OfTurnsThatOverlap_CountsOnce()
    {
        var turns = Enumerable.Range(0, 30).Select(_ => Begin("a")!).ToList();
        foreach (var turn in turns) End(turn, Down);

        Assert.True(IsOpenFor("a"));
    }

    [Fact]
    public void RecordFailure_OfAttemptsOfOneTurn_CountsOnce()
    {
        for (var attempt = 1; attempt < 10; attempt++)
        {
            Assert.Null(_breakers.Check("a"));
            _breakers.Enter($"turn.{attempt}", "a");
            End($"turn.{attempt}", Broken);
        }

        Assert.True(IsOpenFor("a"));
    }

    [Fact]
    public void RecordFailure_ThatAPromptCanCause_StopsItsTenantOnly()
    {
        FailThreeTimes(Broken);

        Assert.False(IsOpenFor("a"));
        Assert.True(IsOpenFor("b"));
        Assert.True(IsOpenFor(null));
    }

    [Fact]
    public void RecordFailure_OfTheUpstream_StopsAllTenants()
    {
        FailThreeTimes(Down);
        Fail(Down, "b");

        Assert.False(IsOpenFor("c"));
        Assert.False(IsOpenFor(null));
    }

    [Fact]
    public void RecordFailure_OfOneTenantOnly_StopsNoOtherTenant()
    {
        foreach (var code in Enum.GetValues<ErrorCode>().Where(code => code != ErrorCode.UpstreamForbidden))
        {
            for (var i = 0; i < 50; i++)
            {
                if (Begin("a") is { } turn) End(turn, new Error(code, "No."));
            }
            Assert.True(IsOpenFor("b"));
            Assert.True(IsOpenFor(null));
        }
        Assert.False(IsOpenFor("a"));
    }

    [Fact]
    public void RecordSuccess_OfAnotherTenant_DoesNotLetTheTenantThroughThatFails()
    {
        FailThreeTimes(Down);
        _breakers.RecordSuccess(Begin("b")!);

        Assert.False(IsOpenFor("a"));
        Fail(Down, "b");
        Assert.True(IsOpenFor("c"));
    }

    [Fact]
    public void RecordFailure_OfAResumedTurn_CountsOnlyWhatTheUpstreamSaysOfTheBot()
    {
        for (var i = 0; i < 10; i++) _breakers.RecordFailure($"resumed{i}.1", Down);
        Assert.True(IsOpenFor("a"));

        _breakers.RecordFailure("resumed.1", Down with { Until = _time.GetUtcNow() + TimeSpan.FromHours(1) });
        Assert.False(IsOpenFor("a"));
    }

    [Fact]
    public void RecordFailure_ThatLasts_StopsTheBotAtOnce_WithoutTheWordsOfTheUpstream()
    {
        Fail(new Error(ErrorCode.UpstreamForbidden, "Coze says: bot 7350 is not published."));

        var refusal = _breakers.Check("b")!.Value;
        Assert.Equal(ErrorCode.UpstreamForbidden, refusal.Error.Code);
        Assert.DoesNotContain("7350", refusal.Error.Message, StringComparison.Ordinal);
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromSeconds(2), refusal.Until);
    }

    [Fact]
    public void Leave_OfAProbeThatDidNotTakePlace_LetsAnotherOneThrough()
    {
        FailThreeTimes(Down);
        _time.Advance(TimeSpan.FromSeconds(2));

        for (var i = 0; i < 3; i++) _breakers.Leave(Begin("a")!);

        Assert.NotNull(Begin("a"));
    }

    [Fact]
    public void TryEnter_RefusedForItsTenant_DoesNotSpendTheProbeOfTheBot()
    {
        FailThreeTimes(Down);
        _time.Advance(TimeSpan.FromSeconds(2));
        var probe = Begin("a")!;
        _breakers.RecordFailure(probe, Broken with { Until = _time.GetUtcNow() + TimeSpan.FromHours(1) });
        _breakers.Leave(probe);

        Assert.Null(Begin("a"));
        Assert.NotNull(Begin("b"));
    }

    [Fact]
    public void RecordFailure_WithATime_StopsTurnsUntilThen_ButProbesEarlier()
    {
        Fail(Down with { Until = _time.GetUtcNow() + TimeSpan.FromHours(1) });
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(IsOpenFor("a"));
        _time.Advance(TimeSpan.FromSeconds(1));

        var probe = Begin("a")!;
        Assert.False(IsOpenFor("a"));
        _breakers.RecordSuccess(probe);

        Assert.True(IsOpenFor("a"));
    }

    [Fact]
    public void RecordSuccess_OfATurnThatBeganBeforeAPause_DoesNotEndIt()
    {
        var early = Begin("a")!;
        Fail(Down with { Until = _time.GetUtcNow() + TimeSpan.FromHours(1) });

        _breakers.RecordSuccess(early);

        Assert.True(_breakers.IsPaused);
        Assert.False(IsOpenFor("a"));
    }

    [Fact]
    public void RecordSuccess_BetweenFailures_ResetsTheCount()
    {
        for (var i = 1; i < Breaker.Threshold; i++) Fail(Down);
        _breakers.RecordSuccess(Begin("a")!);
        Fail(Down);
        Assert.True(IsOpenFor("a"));
    }

    [Fact]
    public void Prune_TurnsWithoutLease_AreForgotten()
    {
        Begin("a");

        _breakers.Prune(_ => false);

        Assert.Equal(0, _breakers.Turns);
    }

    private bool IsOpenFor(string? tenant)
    {
        if (Begin(tenant) is not { } turn) return false;
        _breakers.Leave(turn);
        return true;
    }

    private string? Begin(string? tenant)
    {
        var leaseId = $"t{++_turns}.1";
        if (_breakers.Check(tenant) is not null) return null;
        _breakers.Enter(leaseId, tenant);
        return leaseId;
    }

    private void End(string leaseId, Error error)
    {
        _breakers.RecordFailure(leaseId, error);
        _breakers.Leave(leaseId);
    }

    private void Fail(Error error, string tenant = "a") => End(Begin(tenant)!, error);

    private void FailThreeTimes(Error error)
    {
        for (var i = 0; i < Breaker.Threshold; i++) Fail(error);
    }
}
