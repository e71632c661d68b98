namespace CozeCluster;

/// <summary>Sends notifications to operators in one way. One instance serves a process. Thread-safe.</summary>
public interface INotifier
{
    /// <summary>Its name in fleets (<c>webhook</c>).</summary>
    string Name { get; }

    /// <summary>Whether the fleet declares this way of notification.</summary>
    bool IsConfigured(NotificationsDefinition definition);

    /// <summary>Sends a notification. Returns when the receiver has accepted it.</summary>
    /// <exception cref="ClusterException">The notification was not accepted. The message says why and contains no secret.</exception>
    Task Send(NotificationsDefinition definition, Notification notification, CancellationToken cancellationToken);
}

/// <summary>A notification to operators about a change of health.</summary>
/// <param name="Entry">The current state.</param>
/// <param name="At">When the notification was created.</param>
/// <param name="Text">The change as a sentence.</param>
public sealed record Notification(HealthEntry Entry, DateTimeOffset At, string Text);
