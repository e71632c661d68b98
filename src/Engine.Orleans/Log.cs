using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Orleans;

internal static partial class Log
{
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

    [LoggerMessage(31, LogLevel.Warning, "Expired states or blobs could not be deleted; it is tried again")]
    public static partial void HousekeepingFailed(ILogger logger, Exception exception);

    [LoggerMessage(32, LogLevel.Warning, "Waiting for the cluster: {Reason}")]
    public static partial void WaitingForCluster(ILogger logger, string reason);
}
