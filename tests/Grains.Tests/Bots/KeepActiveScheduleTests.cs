namespace CozeCluster.Grains.Tests.Bots;

public sealed class KeepActiveScheduleTests
{
    // The characters of this id add up to a multiple of 60: it is spread by nothing.
    private const string Bot = "x";

    [Theory]
    [InlineData("2026-03-01T00:00:00Z", null, "2026-03-01T06:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z", "2026-03-01T05:00:00Z", "2026-03-01T11:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z", "2026-02-28T05:00:00Z", "2026-03-01T06:00:00Z")]
    public void Due_Interval_CountsFromTheLastUse(string seenTo, string? lastUsed, string expected) =>
        Assert.Equal(At(expected), KeepActiveSchedule.Due(new("Hi") { Every = TimeSpan.FromHours(6) }, Bot, At(seenTo)!.Value, At(lastUsed)));

    [Theory]
    [InlineData("Asia/Shanghai", "2026-03-01T00:00:00Z", "2026-03-01T01:10:00Z")]
    [InlineData("Asia/Shanghai", "2026-03-01T01:10:00Z", "2026-03-02T01:10:00Z")]
    [InlineData(null, "2026-03-01T09:09:59Z", "2026-03-01T09:10:00Z")]
    [InlineData("America/New_York", "2026-03-07T15:00:00Z", "2026-03-08T13:10:00Z")] // Daylight saving begins that night.
    public void Due_TimeOfDay_IsTheNextOneInItsZone(string? zone, string seenTo, string expected) =>
        Assert.Equal(At(expected), KeepActiveSchedule.Due(new("Hi") { At = new TimeSpan(9, 10, 0), TimeZone = zone }, Bot, At(seenTo)!.Value, null));

    [Fact]
    public void Due_TimeOfDayThatIsSkipped_IsBehindTheJump() => Assert.Equal(
        At("2026-03-08T07:30:00Z"),
        KeepActiveSchedule.Due(new("Hi") { At = new TimeSpan(2, 30, 0), TimeZone = "America/New_York" }, Bot, At("2026-03-08T05:00:00Z")!.Value, null));

    [Fact]
    public void Due_ManyBots_AreSpreadOverAMinute()
    {
        var daily = new KeepActiveDefinition("Hi") { At = TimeSpan.Zero };
        var due = Enumerable.Range(0, 50).Select(i => KeepActiveSchedule.Due(daily, $"bot-{i}", At("2026-03-01T12:00:00Z")!.Value, null)).ToList();

        Assert.All(due, one => Assert.InRange(one, At("2026-03-02T00:00:00Z")!.Value, At("2026-03-02T00:00:59Z")!.Value));
        Assert.True(due.Distinct().Count() > 5);
    }

    [Fact]
    public void Due_JustAfterASpreadTime_IsTheNextDays()
    {
        var daily = new KeepActiveDefinition("Hi") { At = new TimeSpan(23, 59, 30) };
        var first = KeepActiveSchedule.Due(daily, "bot", At("2026-03-01T12:00:00Z")!.Value, null);

        Assert.Equal(first.AddDays(1), KeepActiveSchedule.Due(daily, "bot", first, null));
    }

    [Fact]
    public void IsNeeded_TimeOfDay_OnlyIfNobodyUsedItSinceTheLast()
    {
        var daily = new KeepActiveDefinition("Hi") { At = TimeSpan.Zero };
        var seenTo = At("2026-03-01T00:00:00Z")!.Value;

        Assert.True(KeepActiveSchedule.IsNeeded(daily, seenTo, null));
        Assert.True(KeepActiveSchedule.IsNeeded(daily, seenTo, seenTo.AddHours(-1)));
        Assert.False(KeepActiveSchedule.IsNeeded(daily, seenTo, seenTo.AddHours(1)));
    }

    private static DateTimeOffset? At(string? text) => text is null ? null : DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
