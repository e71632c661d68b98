using CozeCluster.TestKit;
using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Tests.Tenants;

public sealed class MinuteWindowTests
{
    [Fact]
    public void Used_CountsTheLastMinute()
    {
        var time = new ManualTime();
        var window = new MinuteWindow(time);
        window.Add(2);
        time.Advance(TimeSpan.FromSeconds(30));
        window.Add(3);

        Assert.Equal(5, window.Used);
        time.Advance(TimeSpan.FromSeconds(30.9));
        Assert.Equal(5, window.Used);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(3, window.Used);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, window.Used);
    }

    [Fact]
    public void TimeUntilFits_IsWhenEnoughHasPassed()
    {
        var time = new ManualTime();
        var window = new MinuteWindow(time);
        window.Add(2);
        time.Advance(TimeSpan.FromSeconds(10.25));
        window.Add(3);

        Assert.Equal(TimeSpan.Zero, window.TimeUntilFits(1, 6));
        Assert.Equal(TimeSpan.FromSeconds(50.75), window.TimeUntilFits(1, 5));
        Assert.Equal(TimeSpan.FromSeconds(60.75), window.TimeUntilFits(3, 5));
        Assert.Equal(TimeSpan.FromSeconds(60.75), window.TimeUntilFits(100, 5));
        Assert.Equal(TimeSpan.FromSeconds(60.75), window.TimeUntilEmpty());
    }

    [Fact]
    public void Correct_ChangesTheSecondInWhichItWasCounted()
    {
        var time = new ManualTime();
        var window = new MinuteWindow(time);
        window.Add(100);
        var second = window.Second;
        time.Advance(TimeSpan.FromSeconds(20));

        window.Correct(second, -90);

        Assert.Equal(10, window.Used);
        time.Advance(TimeSpan.FromSeconds(41));
        window.Correct(second, -90);
        Assert.Equal(0, window.Used);
    }

    /// <summary>Whatever the requests, no minute has more of them than the limit, and one that waits as long as it was told fits.</summary>
    [Fact]
    public void NoMinuteHasMoreThanTheLimit() => Prop.ForAll<byte[]>(pauses =>
    {
        const int Limit = 5;
        var time = new ManualTime();
        var window = new MinuteWindow(time);
        var admitted = new List<DateTimeOffset>();
        foreach (var pause in pauses)
        {
            time.Advance(TimeSpan.FromMilliseconds(pause * 100));
            if (window.Used + 1 > Limit)
            {
                time.Advance(window.TimeUntilFits(1, Limit));
                Assert.True(window.Used < Limit);
            }
            window.Add(1);
            admitted.Add(time.GetUtcNow());
            Assert.True(admitted.Count(at => at > time.GetUtcNow() - TimeSpan.FromMinutes(1)) <= Limit);
        }
    }).QuickCheckThrowOnFailure();
}
