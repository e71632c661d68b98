using CozeCluster.Gateway.Chat;

namespace CozeCluster.Gateway.Observing;

/// <summary>Reads replies for clients that want them whole.</summary>
internal static class WholeReply
{
    private static readonly TimeSpan Forever = TimeSpan.FromDays(1);

    /// <summary>Reads to the end.</summary>
    /// <returns>The reply; null if the client is gone.</returns>
    /// <exception cref="ClusterException">The turn failed.</exception>
    public static async Task<ReplyContent?> Read(ReplyReader reader, TimeProvider time, CancellationToken gone)
    {
        var content = new ReplyContent();
        while (!reader.Ended)
        {
            var until = time.FromNow(Forever);
            if (await reader.Next(until) is { } batch) content.Add(batch);
            if (gone.IsCancellationRequested) return null;
        }
        return content.End is ReplyFailed failed ? throw failed.Error.ToException() : content;
    }
}
