using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

public sealed class BreakerTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Failed_FewerTimesThanTheThreshold_StaysClosed()
    {
        var breaker = new Breaker(_time);
        for (var i = 1; i < Breaker.Threshold; i++) breaker.Failed();
        Assert.True(breaker.Allow());
        Assert.True(breaker.Allow());
    }

    [Fact]
    public void Failed_ThresholdReached_OpensThenLetsOneTurnTry()
    {
        var breaker = Opened();
        Assert.False(breaker.Allow());
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.True(breaker.Allow());
        Assert.False(breaker.Allow());
        breaker.Succeeded();
        Assert.True(breaker.Allow());
        Assert.True(breaker.Allow());
    }

    [Fact]
    public void Failed_AgainAfterATry_CoolsTwiceAsLong()
    {
        var breaker = Opened();
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.Allow());
        breaker.Failed();

        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromSeconds(20), breaker.OpenUntil);
    }

    [Fact]
    public void Failed_ForEver_CoolsFiveMinutesAtMost()
    {
        var breaker = new Breaker(_time);
        for (var i = 0; i < 100; i++) breaker.Failed();
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromMinutes(5), breaker.OpenUntil);
    }

    [Fact]
    public void Succeeded_BetweenFailures_CountsAnew()
    {
        var breaker = new Breaker(_time);
        for (var i = 1; i < Breaker.Threshold; i++) breaker.Failed();
        breaker.Succeeded();
        breaker.Failed();
        Assert.True(breaker.Allow());
    }

    private Breaker Opened()
    {
        var breaker = new Breaker(_time);
        for (var i = 0; i < Breaker.Threshold; i++) breaker.Failed();
        return breaker;
    }
}
