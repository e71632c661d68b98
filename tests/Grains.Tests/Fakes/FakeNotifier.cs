using System.Collections.Concurrent;
using System.Threading.Channels;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Takes notices, or does not.</summary>
public sealed class FakeNotifier : INotifier
{
    private readonly Channel<Notice> _sent = Channel.CreateUnbounded<Notice>();

    public string Name => "webhook";

    /// <summary>How many of the next tries fail.</summary>
    public int Failures { get; set; }

    public ConcurrentQueue<Notice> Tries { get; } = [];

    /// <summary>Notices taken and not looked at yet.</summary>
    public int Waiting => _sent.Reader.Count;

    public bool IsWanted(NoticesDefinition notices) => notices.Webhook is not null;

    public Task Send(NoticesDefinition notices, Notice notice, CancellationToken cancellationToken)
    {
        Tries.Enqueue(notice);
        if (Failures-- > 0) throw new ClusterException(ErrorCode.UpstreamUnavailable, "The webhook could not be reached.");
        _sent.Writer.TryWrite(notice);
        return Task.CompletedTask;
    }

    public Task<Notice> Next() => _sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
