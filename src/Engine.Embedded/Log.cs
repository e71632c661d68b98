using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Embedded;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Embedded engine started on {Directory}: {Kinds} kinds of grains, {Reminders} reminders")]
    public static partial void Started(ILogger logger, string directory, int kinds, int reminders);

    [LoggerMessage(2, LogLevel.Information, "Embedded engine stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "Embedded engine stops with {Count} grains not yet put away")]
    public static partial void StoppedEarly(ILogger logger, int count);

    [LoggerMessage(10, LogLevel.Error, "{Kind}.{Method} of {Key} failed")]
    public static partial void CallFailed(ILogger logger, string kind, string method, string key, Exception exception);

    [LoggerMessage(11, LogLevel.Error, "{Kind} {Key} could not be activated")]
    public static partial void ActivationFailed(ILogger logger, string kind, string key, Exception exception);

    [LoggerMessage(12, LogLevel.Error, "OnDeactivate of {Kind} {Key} failed")]
    public static partial void DeactivationFailed(ILogger logger, string kind, string key, Exception exception);

    [LoggerMessage(13, LogLevel.Error, "Background work of {Kind} {Key} failed")]
    public static partial void BackgroundFailed(ILogger logger, string kind, string key, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "A timer of {Kind} {Key} failed")]
    public static partial void TimerFailed(ILogger logger, string kind, string key, Exception exception);

    [LoggerMessage(15, LogLevel.Warning, "{Kind} {Key} is put away although {What} has not ended in time")]
    public static partial void PutAwayEarly(ILogger logger, string kind, string key, string what);

    [LoggerMessage(16, LogLevel.Warning, "{Kind} {Key} lost a race for its state and is put away")]
    public static partial void StateConflict(ILogger logger, string kind, string key);

    [LoggerMessage(17, LogLevel.Error, "An async void method of a grain failed")]
    public static partial void StrayException(ILogger logger, Exception exception);

    [LoggerMessage(18, LogLevel.Error, "An observer failed in {Method}")]
    public static partial void ObserverFailed(ILogger logger, string method, Exception exception);

    [LoggerMessage(20, LogLevel.Error, "Reminder {Name} of {Kind} {Key} failed; it is tried again at {Due}")]
    public static partial void ReminderFailed(ILogger logger, string kind, string key, string name, DateTimeOffset due, Exception exception);

    [LoggerMessage(21, LogLevel.Warning, "Reminder {Name} of {Kind} {Key} is kept but never due: no grain of that kind is registered")]
    public static partial void ReminderOfUnknownKind(ILogger logger, string kind, string key, string name);

    [LoggerMessage(30, LogLevel.Error, "The database refused a write")]
    public static partial void WriteFailed(ILogger logger, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "Expired states or blobs could not be deleted; it is tried again")]
    public static partial void HousekeepingFailed(ILogger logger, Exception exception);
}
