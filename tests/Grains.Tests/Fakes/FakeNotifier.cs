using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Accepts or rejects notifications.</summary>
public sealed class FakeNotifier : INotifier
{
    private readonly Channel<Notification> _sent = Channel.CreateUnbounded<Notification>();

    public string Name => "webhook";

    /// <summary>How many of the next attempts fail.</summary>
    public int Failures { get; set; }

    public ConcurrentQueue<Notification> Attempts { get; } = [];

    /// <summary>Accepted notifications that the test has not read yet.</summary>
    public int Waiting => _sent.Reader.Count;

    public bool IsConfigured(NotificationsDefinition definition) => definition.Webhook is not null;

    public Task Send(NotificationsDefinition definition, Notification notification, CancellationToken cancellationToken)
    {
        Attempts.Enqueue(notification);
        if (Failures-- > 0) throw new ClusterException(ErrorCode.UpstreamUnavailable, "The webhook could not be reached.");
        _sent.Writer.TryWrite(notification);
        return Task.CompletedTask;
    }

    public Task<Notification> Next() => _sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
