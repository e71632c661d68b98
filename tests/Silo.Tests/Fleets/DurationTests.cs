using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class DurationTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("2m", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h0m0s1ms", 3_600_001)]
    public void TryParse_Duration_IsRead(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("30")]
    [InlineData("30 s")]
    [InlineData("-1s")]
    [InlineData("1.5s")]
    [InlineData("1D")]
    [InlineData("3651d")]
    [InlineData("1S")]
    [InlineData("00:00:30")]
    [InlineData("99999999h")]
    [InlineData("999999999999999999999s")]
    public void TryParse_Other_IsRefused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("90s")]
    [InlineData("100ms")]
    [InlineData("24h")]
    [InlineData("180d")]
    [InlineData("15m")]
    public void Format_WhatItWrites_ReadsBack(string text)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(text, Duration.Format(duration));
    }
}
