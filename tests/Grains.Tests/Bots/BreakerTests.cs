using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

public sealed class BreakerTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void RecordFailure_BelowTheThreshold_KeepsItClosed()
    {
        var breaker = new Breaker(_time);
        for (var i = 1; i < Breaker.Threshold; i++) breaker.RecordFailure();
        Assert.True(breaker.Allow());
        Assert.True(breaker.Allow());
    }

    [Fact]
    public void RecordFailure_AtTheThreshold_OpensItAndThenAllowsOneTurn()
    {
        var breaker = CreateOpen();
        Assert.False(breaker.Allow());
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.True(breaker.Allow());
        Assert.False(breaker.Allow());
        breaker.RecordSuccess();
        Assert.True(breaker.Allow());
        Assert.True(breaker.Allow());
    }

    [Fact]
    public void RecordFailure_OfTheAllowedTurn_OpensItTwiceAsLong()
    {
        var breaker = CreateOpen();
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.Allow());
        breaker.RecordFailure();

        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromSeconds(20), breaker.OpenUntil);
    }

    [Fact]
    public void RecordFailure_ManyTimes_OpensItForFiveMinutesAtMost()
    {
        var breaker = new Breaker(_time);
        for (var i = 0; i < 100; i++) breaker.RecordFailure();
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromMinutes(5), breaker.OpenUntil);
    }

    [Fact]
    public void RecordSuccess_BetweenFailures_ResetsTheCount()
    {
        var breaker = new Breaker(_time);
        for (var i = 1; i < Breaker.Threshold; i++) breaker.RecordFailure();
        breaker.RecordSuccess();
        breaker.RecordFailure();
        Assert.True(breaker.Allow());
    }

    private Breaker CreateOpen()
    {
        var breaker = new Breaker(_time);
        for (var i = 0; i < Breaker.Threshold; i++) breaker.RecordFailure();
        return breaker;
    }
}
