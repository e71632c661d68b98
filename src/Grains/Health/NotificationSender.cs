using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>Sends a notice in every wanted way, each tried a few times.</summary>
internal sealed partial class NotificationSender(IReadOnlyList<INotifier> notifiers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)];

    public Task Send(NotificationsDefinition notices, Notification notice, CancellationToken stop) =>
        Task.WhenAll(notifiers.Where(notifier => notifier.IsWanted(notices)).Select(notifier => Send(notifier, notices, notice, stop)));

    private async Task Send(INotifier notifier, NotificationsDefinition notices, Notification notice, CancellationToken stop)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await notifier.Send(notices, notice, stop);
                return;
            }
            catch (ClusterException exception)
            {
                LogNotSent(logger, notifier.Name, notice.Entry.Kind, notice.Entry.Id, attempt + 1, Pauses.Length + 1, exception.Message);
            }
            if (attempt == Pauses.Length) return;
            await Task.Delay(Pauses[attempt], time, stop);
        }
    }

    [LoggerMessage(1303, LogLevel.Warning, "The {Notifier} notice about {Kind} {Id} was not taken (try {Attempt} of {Attempts}): {Message}")]
    private static partial void LogNotSent(ILogger logger, string notifier, HealthKind kind, string id, int attempt, int attempts, string message);
}
