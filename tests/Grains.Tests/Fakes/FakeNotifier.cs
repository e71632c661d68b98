using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Takes notices, or does not.</summary>
public sealed class FakeNotifier : INotifier
{
    private readonly Channel<Notification> _sent = Channel.CreateUnbounded<Notification>();

    public string Name => "webhook";

    /// <summary>How many of the next tries fail.</summary>
    public int Failures { get; set; }

    public ConcurrentQueue<Notification> Tries { get; } = [];

    /// <summary>Notifications taken and not looked at yet.</summary>
    public int Waiting => _sent.Reader.Count;

    public bool IsConfigured(NotificationsDefinition notices) => notices.Webhook is not null;

    public Task Send(NotificationsDefinition notices, Notification notice, CancellationToken cancellationToken)
    {
        Tries.Enqueue(notice);
        if (Failures-- > 0) throw new ClusterException(ErrorCode.UpstreamUnavailable, "The webhook could not be reached.");
        _sent.Writer.TryWrite(notice);
        return Task.CompletedTask;
    }

    public Task<Notification> Next() => _sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
