using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "SQLite storage opened in {Directory}, durability {Durability}")]
    public static partial void Opened(ILogger logger, string directory, Durability durability);

    [LoggerMessage(30, LogLevel.Error, "The database refused a write")]
    public static partial void WriteFailed(ILogger logger, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "Expired states or blobs could not be deleted; the next round tries again")]
    public static partial void HousekeepingFailed(ILogger logger, Exception exception);
}
