using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>Sends a notification in every configured way, with a few retries each.</summary>
internal sealed partial class NotificationSender(IReadOnlyList<INotifier> notifiers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan[] RetryPauses = [TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)];

    public Task Send(NotificationsDefinition definition, Notification notification, CancellationToken stop) =>
        Task.WhenAll(notifiers.Where(notifier => notifier.IsConfigured(definition)).Select(notifier => Send(notifier, definition, notification, stop)));

    private async Task Send(INotifier notifier, NotificationsDefinition definition, Notification notification, CancellationToken stop)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await notifier.Send(definition, notification, stop);
                return;
            }
            catch (ClusterException exception)
            {
                var entry = notification.Entry;
                LogNotSent(logger, notifier.Name, entry.Kind, entry.Id, attempt + 1, RetryPauses.Length + 1, exception.Message);
            }
            if (attempt == RetryPauses.Length) return;
            await Task.Delay(RetryPauses[attempt], time, stop);
        }
    }

    [LoggerMessage(1303, LogLevel.Warning, "The {Notifier} notification about {Kind} {Id} was not accepted (attempt {Attempt} of {Attempts}): {Message}")]
    private static partial void LogNotSent(ILogger logger, string notifier, HealthKind kind, string id, int attempt, int attempts, string message);
}
