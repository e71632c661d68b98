namespace CozeCluster.Grains;

/// <summary>When a bot needs a keep-active message.</summary>
internal static class KeepActiveSchedule
{
    /// <summary>When one is due next.</summary>
    /// <param name="definition">What the fleet says.</param>
    /// <param name="botId">Bots with the same time of day are spread over a minute.</param>
    /// <param name="seenTo">When one was due last.</param>
    /// <param name="lastUsed">When somebody last talked to the bot.</param>
    public static DateTimeOffset Due(KeepActiveDefinition definition, string botId, DateTimeOffset seenTo, DateTimeOffset? lastUsed)
    {
        if (definition.Every is { } every) return (lastUsed > seenTo ? lastUsed.Value : seenTo) + every;

        var zone = definition.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found) ? found : TimeZoneInfo.Utc;
        var spread = TimeSpan.FromSeconds(botId.Sum(c => c) % 60);
        // From the day before, because the spread may reach over midnight.
        for (var day = TimeZoneInfo.ConvertTime(seenTo, zone).Date.AddDays(-1); ; day = day.AddDays(1))
        {
            var due = Instant(day + (definition.At ?? TimeSpan.Zero), zone) + spread;
            if (due > seenTo) return due;
        }
    }

    /// <summary>Whether a message that is due has to be sent, or somebody talked to the bot since the last time.</summary>
    public static bool IsNeeded(KeepActiveDefinition definition, DateTimeOffset seenTo, DateTimeOffset? lastUsed) =>
        definition.Every is not null || !(lastUsed >= seenTo);

    private static DateTimeOffset Instant(DateTime local, TimeZoneInfo zone)
    {
        // A time that the clocks jump over is as far behind the jump.
        if (zone.IsInvalidTime(local)) local = local.AddHours(1);
        return new DateTimeOffset(local, zone.GetUtcOffset(local));
    }
}
