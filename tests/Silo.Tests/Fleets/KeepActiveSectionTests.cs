namespace CozeCluster.Silo.Tests.Fleets;

public sealed class KeepActiveSectionTests
{
    [Fact]
    public void Read_Interval() => Assert.Equal(new KeepActiveDefinition("Hi") { Every = TimeSpan.FromHours(6) }, Read("{ every: 6h }"));

    [Fact]
    public void Read_TimeOfDay() => Assert.Equal(
        new KeepActiveDefinition("Good morning") { At = new TimeSpan(9, 10, 0), TimeZone = "Asia/Shanghai" },
        Read("{ at: 09:10, time_zone: Asia/Shanghai, text: Good morning }"));

    [Theory]
    [InlineData("{}", "27:18: bots[0].keep_active: Expected exactly one of 'every' and 'at', found none.")]
    [InlineData("{ every: 6h, at: 09:10 }", "27:18: bots[0].keep_active: Expected exactly one of 'every' and 'at', found 2.")]
    [InlineData("{ every: 5m }", "27:27: bots[0].keep_active.every: Expected a duration from 10m to 30d.")]
    [InlineData("{ every: 6h, time_zone: UTC }", "27:42: bots[0].keep_active.time_zone: 'time_zone' is only valid together with 'at'.")]
    [InlineData("{ at: 9:10 }", "27:24: bots[0].keep_active.at: Expected a time of day such as 09:10.")]
    [InlineData("{ at: 24:00 }", "27:24: bots[0].keep_active.at: Expected a time of day such as 09:10.")]
    [InlineData("{ at: 09:10, time_zone: Mars/Olympus }",
        "27:42: bots[0].keep_active.time_zone: Expected the IANA name of a time zone, such as Asia/Shanghai.")]
    [InlineData("6h", "27:18: bots[0].keep_active: Expected a mapping (key: value), found a single value.")]
    [InlineData("{ evry: 6h }",
        "27:18: bots[0].keep_active: Expected exactly one of 'every' and 'at', found none.|"
        + "27:20: bots[0].keep_active.evry: 'evry' is not a known key. Did you mean 'every'?")]
    public void Read_Mistake_ReportsExactMessage(string section, string expected) =>
        Assert.Equal(expected, string.Join('|', SampleFleet.Read(With(section)).Problems));

    private static KeepActiveDefinition? Read(string section) => SampleFleet.Read(With(section)).File!.Bots[0].KeepActive;

    private static string With(string section) => SampleFleet.With("timeouts: { idle: 1m30s }", $"keep_active: {section}");
}
