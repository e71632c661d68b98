using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads a bot's <c>keep_active</c>.</summary>
internal static class KeepActiveSection
{
    private const string DefaultText = "Hi";
    private const string ExpectedTime = "a time of day such as 09:10";
    private const string ExpectedZone = "the IANA name of a time zone, such as Asia/Shanghai";

    public static KeepActiveDefinition? Read(Field section) => section.Map(map =>
    {
        var every = map.Optional("every");
        var at = map.Optional("at");
        var zone = map.Optional("time_zone");
        if (every.Exists == at.Exists) map.Report(every.Exists ? "Expected either 'every' or 'at', found both." : "Either 'every' or 'at' is missing.");
        if (zone.Exists && !at.Exists) zone.Report("A time zone goes with 'at' alone.");
        return new KeepActiveDefinition(map.Optional("text").Text(text => text.Length <= 1000, "a text of 1 to 1000 characters") ?? DefaultText)
        {
            Every = every.Time(TimeSpan.FromMinutes(10), TimeSpan.FromDays(30)),
            At = at.Text(text => TryTime(text, out _), ExpectedTime) is { } time && TryTime(time, out var found) ? found.ToTimeSpan() : null,
            TimeZone = zone.Text(text => TimeZoneInfo.TryFindSystemTimeZoneById(text, out _), ExpectedZone),
        };
    });

    private static bool TryTime(string text, out TimeOnly time) => TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
}
