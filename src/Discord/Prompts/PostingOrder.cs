using System.Collections.Concurrent;

namespace CozeCluster.Discord;

/// <summary>
/// Keeps the messages of a prompt together where an account has several turns in one channel: the bot takes what the account said before the mention as part of the prompt.
/// One for a process; nodes that share an account and a channel can still mix. Thread-safe.
/// </summary>
internal sealed class PostingOrder
{
    // One for each account in each shared channel: few, so they are kept.
    private readonly ConcurrentDictionary<(string ChannelId, string AccountId), SemaphoreSlim> _gates = new();

    /// <summary>Waits for the account's turn in the channel; disposing ends it.</summary>
    public async ValueTask<IDisposable> Enter(string channelId, string accountId, CancellationToken cancellationToken)
    {
        var gate = _gates.GetOrAdd((channelId, accountId), static _ => new SemaphoreSlim(1));
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(gate);
    }

    private sealed class Turn(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
