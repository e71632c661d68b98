namespace CozeCluster.Grains;

/// <summary>Computes when a bot needs a keep-active message.</summary>
internal static class KeepActiveSchedule
{
    /// <summary>When the next message is due.</summary>
    /// <param name="definition">The keep-active definition.</param>
    /// <param name="botId">The bot. Bots with the same time of day are spread over a minute by their ids.</param>
    /// <param name="lastHandled">When a message was last due and handled.</param>
    /// <param name="lastUsed">When a tenant last used the bot.</param>
    public static DateTimeOffset NextDue(KeepActiveDefinition definition, string botId, DateTimeOffset lastHandled, DateTimeOffset? lastUsed)
    {
        if (definition.Every is { } every) return (lastUsed > lastHandled ? lastUsed.Value : lastHandled) + every;

        var zone = definition.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found) ? found : TimeZoneInfo.Utc;
        var spread = TimeSpan.FromSeconds(botId.Sum(c => c) % 60);
        // Starts on the day before, because the spread may move a time past midnight.
        for (var day = TimeZoneInfo.ConvertTime(lastHandled, zone).Date.AddDays(-1); ; day = day.AddDays(1))
        {
            var due = ToInstant(day + (definition.At ?? TimeSpan.Zero), zone) + spread;
            if (due > lastHandled) return due;
        }
    }

    /// <summary>Whether a due message has to be sent. With a time of day, it is not needed if a tenant has used the bot since the last one.</summary>
    public static bool IsNeeded(KeepActiveDefinition definition, DateTimeOffset lastHandled, DateTimeOffset? lastUsed) =>
        definition.Every is not null || !(lastUsed >= lastHandled);

    private static DateTimeOffset ToInstant(DateTime local, TimeZoneInfo zone)
    {
        // When clocks are set forward, local times in the gap do not exist. They move by the length of the gap.
        if (zone.IsInvalidTime(local)) local = local.AddHours(1);
        return new DateTimeOffset(local, zone.GetUtcOffset(local));
    }
}
