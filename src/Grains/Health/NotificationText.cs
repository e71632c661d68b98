using System.Globalization;

namespace CozeCluster.Grains;

/// <summary>Decides which changes of health operators are notified of, and writes the texts.</summary>
internal static class NotificationText
{
    /// <summary>Shorter pauses are not worth a notification.</summary>
    private static readonly TimeSpan MinCooling = TimeSpan.FromMinutes(1);

    /// <summary>Connections are lost from time to time, and are usually restored within this time.</summary>
    private static readonly TimeSpan MinConnecting = TimeSpan.FromMinutes(5);

    /// <summary>The time from which operators should be notified of a state, which may be in the future; null if they need no notification.</summary>
    /// <param name="entry">The current state.</param>
    /// <param name="notified">The state that operators were last notified of.</param>
    public static DateTimeOffset? NotifyFrom(HealthEntry entry, HealthState? notified) => entry.State == notified ? null : entry.State switch
    {
        HealthState.Failing or HealthState.SetAside => entry.Since,
        HealthState.Connecting => entry.Since + MinConnecting,
        HealthState.Cooling when entry.Until - entry.Since >= MinCooling => entry.Since,
        HealthState.Ok when notified is HealthState.Failing or HealthState.SetAside or HealthState.Connecting => entry.Since,
        _ => null,
    };

    /// <summary>The text of the notification.</summary>
    public static string Of(HealthEntry entry)
    {
        var what = $"{entry.Kind} {entry.Id}";
        var why = entry.Reason is { Length: > 0 } reason ? $": {reason}" : ".";
        return entry.State switch
        {
            HealthState.Ok => $"{what} works again.",
            HealthState.Cooling => $"{what} is cooling down until {Format(entry.Until)}{why}",
            HealthState.Connecting => $"{what} has been disconnected since {Format(entry.Since)}{why}",
            HealthState.SetAside => $"{what} has been disabled since {Format(entry.Since)}{why}",
            _ => $"{what} has been failing since {Format(entry.Since)}{why}",
        };
    }

    private static string Format(DateTimeOffset? at) => at?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "?";
}
