using System.Globalization;

namespace CozeCluster.Grains;

/// <summary>What operators are told, and in which words.</summary>
internal static class NotificationText
{
    /// <summary>A pause shorter than that is nothing to tell anybody.</summary>
    private static readonly TimeSpan ShortPause = TimeSpan.FromMinutes(1);

    /// <summary>Connections break now and then, and come back.</summary>
    private static readonly TimeSpan LongConnecting = TimeSpan.FromMinutes(5);

    /// <summary>Since when, or from when on, operators should hear of it; null if they should not.</summary>
    /// <param name="entry">How it stands.</param>
    /// <param name="told">What they heard last.</param>
    public static DateTimeOffset? NewsSince(HealthEntry entry, HealthState? told) => entry.State == told ? null : entry.State switch
    {
        HealthState.Failing or HealthState.SetAside => entry.Since,
        HealthState.Connecting => entry.Since + LongConnecting,
        HealthState.Cooling when entry.Until - entry.Since >= ShortPause => entry.Since,
        HealthState.Ok when told is HealthState.Failing or HealthState.SetAside or HealthState.Connecting => entry.Since,
        _ => null,
    };

    /// <summary>The notice's sentence.</summary>
    public static string Of(HealthEntry entry)
    {
        var what = $"{entry.Kind} {entry.Id}";
        var why = entry.Reason is { Length: > 0 } reason ? $": {reason}" : ".";
        return entry.State switch
        {
            HealthState.Ok => $"{what} works again.",
            HealthState.Cooling => $"{what} rests until {Time(entry.Until)}{why}",
            HealthState.Connecting => $"{what} is not connected since {Time(entry.Since)}{why}",
            HealthState.SetAside => $"{what} is set aside since {Time(entry.Since)}{why}",
            _ => $"{what} is failing since {Time(entry.Since)}{why}",
        };
    }

    private static string Time(DateTimeOffset? at) => at?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "?";
}
