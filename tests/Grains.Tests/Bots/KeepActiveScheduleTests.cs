namespace CozeCluster.Grains.Tests.Bots;

public sealed class KeepActiveScheduleTests
{
    // The characters of this id add up to a multiple of 60, so it is not moved.
    private const string Bot = "x";

    [Theory]
    [InlineData("2026-03-01T00:00:00Z", null, "2026-03-01T06:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z", "2026-03-01T05:00:00Z", "2026-03-01T11:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z", "2026-02-28T05:00:00Z", "2026-03-01T06:00:00Z")]
    public void NextDue_Interval_StartsAtTheLastUse(string lastHandled, string? lastUsed, string expected) =>
        Assert.Equal(At(expected), KeepActiveSchedule.NextDue(new("Hi") { Every = TimeSpan.FromHours(6) }, Bot, At(lastHandled)!.Value, At(lastUsed)));

    [Theory]
    [InlineData("Asia/Shanghai", "2026-03-01T00:00:00Z", "2026-03-01T01:10:00Z")]
    [InlineData("Asia/Shanghai", "2026-03-01T01:10:00Z", "2026-03-02T01:10:00Z")]
    [InlineData(null, "2026-03-01T09:09:59Z", "2026-03-01T09:10:00Z")]
    [InlineData("America/New_York", "2026-03-07T15:00:00Z", "2026-03-08T13:10:00Z")] // Daylight saving begins that night.
    public void NextDue_TimeOfDay_IsTheNextOneInItsZone(string? zone, string lastHandled, string expected) =>
        Assert.Equal(At(expected), KeepActiveSchedule.NextDue(new("Hi") { At = new TimeSpan(9, 10, 0), TimeZone = zone }, Bot, At(lastHandled)!.Value, null));

    [Fact]
    public void NextDue_TimeOfDayThatDoesNotExist_IsOneHourLater() => Assert.Equal(
        At("2026-03-08T07:30:00Z"),
        KeepActiveSchedule.NextDue(new("Hi") { At = new TimeSpan(2, 30, 0), TimeZone = "America/New_York" }, Bot, At("2026-03-08T05:00:00Z")!.Value, null));

    [Fact]
    public void NextDue_ManyBots_AreSpreadOverAMinute()
    {
        var daily = new KeepActiveDefinition("Hi") { At = TimeSpan.Zero };
        var due = Enumerable.Range(0, 50).Select(i => KeepActiveSchedule.NextDue(daily, $"bot-{i}", At("2026-03-01T12:00:00Z")!.Value, null)).ToList();

        Assert.All(due, one => Assert.InRange(one, At("2026-03-02T00:00:00Z")!.Value, At("2026-03-02T00:00:59Z")!.Value));
        Assert.True(due.Distinct().Count() > 5);
    }

    [Fact]
    public void NextDue_JustAfterTheLastOne_IsOnTheNextDay()
    {
        var daily = new KeepActiveDefinition("Hi") { At = new TimeSpan(23, 59, 30) };
        var first = KeepActiveSchedule.NextDue(daily, "bot", At("2026-03-01T12:00:00Z")!.Value, null);

        Assert.Equal(first.AddDays(1), KeepActiveSchedule.NextDue(daily, "bot", first, null));
    }

    [Fact]
    public void IsNeeded_TimeOfDay_OnlyIfTheBotWasNotUsedSinceTheLast()
    {
        var daily = new KeepActiveDefinition("Hi") { At = TimeSpan.Zero };
        var lastHandled = At("2026-03-01T00:00:00Z")!.Value;

        Assert.True(KeepActiveSchedule.IsNeeded(daily, lastHandled, null));
        Assert.True(KeepActiveSchedule.IsNeeded(daily, lastHandled, lastHandled.AddHours(-1)));
        Assert.False(KeepActiveSchedule.IsNeeded(daily, lastHandled, lastHandled.AddHours(1)));
    }

    private static DateTimeOffset? At(string? text) => text is null ? null : DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
