namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("2m", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h0m0s1ms", 3_600_001)]
    [InlineData("1.5s", 1500)]
    [InlineData("0.1s", 100)]
    [InlineData(".5s", 500)]
    [InlineData("1.5m0.5s", 90_500)]
    [InlineData("0s", 0)]
    [InlineData(" 30s ", 30_000)]
    [InlineData("3650d", 315_360_000_000)]
    public void TryParse_Duration_IsRead(string text, double milliseconds)
    {
        foreach (var allowBareSeconds in new[] { false, true })
        {
            Assert.True(Durations.TryParse(text, out var duration, allowBareSeconds));
            Assert.Equal(milliseconds, duration.TotalMilliseconds);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("s")]
    [InlineData("30 s")]
    [InlineData("-1s")]
    [InlineData("1.5.5s")]
    [InlineData(".s")]
    [InlineData("1,5s")]
    [InlineData("1e3s")]
    [InlineData("1m30")]
    [InlineData("1D")]
    [InlineData("1S")]
    [InlineData("1w")]
    [InlineData("00:00:30")]
    [InlineData("3651d")]
    [InlineData("3650d1ms")]
    [InlineData("99999999h")]
    [InlineData("999999999999999999999s")]
    public void TryParse_OtherText_IsRefused(string text)
    {
        Assert.False(Durations.TryParse(text, out _));
        Assert.False(Durations.TryParse(text, out _, allowBareSeconds: true));
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("1.5", 1.5)]
    public void TryParse_BareNumber_IsSecondsOnlyWhereAllowed(string text, double seconds)
    {
        Assert.False(Durations.TryParse(text, out _));
        Assert.True(Durations.TryParse(text, out var duration, allowBareSeconds: true));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("0s")]
    [InlineData("90s")]
    [InlineData("100ms")]
    [InlineData("24h")]
    [InlineData("180d")]
    [InlineData("15m")]
    public void Format_ReadsBackAsTheSameText(string text)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(text, Durations.Format(duration));
    }
}
