namespace CozeCluster;

/// <summary>A way to tell operators something. One instance serves a process; thread-safe.</summary>
public interface INotifier
{
    /// <summary>Its name in fleets (<c>webhook</c>).</summary>
    string Name { get; }

    /// <summary>Whether the fleet wants to be told this way.</summary>
    bool IsWanted(NotificationsDefinition notices);

    /// <summary>Sends a notice and returns once it was taken.</summary>
    /// <exception cref="ClusterException">It was not taken; says why without any secret.</exception>
    Task Send(NotificationsDefinition notices, Notification notice, CancellationToken cancellationToken);
}
