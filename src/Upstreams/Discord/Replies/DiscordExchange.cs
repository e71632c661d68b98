using CozeCluster.Messages;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Discord;

/// <summary>A reply read from a channel. It tells the handle first; its end is decided here, as Discord does not tell it.</summary>
internal sealed class DiscordExchange(
    UpstreamTurn turn, DiscordHandle ids, DiscordReply reply, DiscordFar far, DiscordLearning learning, DiscordChannels channels, TimeProvider time, ILogger logger) : IExchange
{
    /// <summary>After so long without news the session is asked whether it still watches: one that moved to another node has forgotten.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private UpstreamHandle? _handle = ids.ToHandle(turn);
    private long _lookedAt = time.GetTimestamp();
    private bool _isUnsure;

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_handle is not null) return true;
        while (true)
        {
            switch (reply.Next(out var news, out var wait))
            {
                case ReplyStep.Read:
                    return true;
                case ReplyStep.Over:
                    return false;
                case ReplyStep.Wait:
                    await Wait(news, wait, cancellationToken).ConfigureAwait(false);
                    break;
                case ReplyStep.Catch:
                    await far.Read(ids.MessageIds[0], cancellationToken).ConfigureAwait(false);
                    break;
                case ReplyStep.Decide:
                    await Decide(cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        if (_handle is { } handle) sink.Identify(handle);
        _handle = null;
        reply.Read(sink);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await learning.Take(turn.Bot.Id, reply, far).ConfigureAwait(false);
        // Nobody was told of the channel, so nobody else will give it back.
        if (_handle is not null) await channels.GiveBack(turn, DiscordBotOptions.Of(turn.Bot), ids).ConfigureAwait(false);
    }

    private async Task Wait(Task news, TimeSpan wait, CancellationToken cancellationToken)
    {
        var untilLook = LookEvery - time.GetElapsedTime(_lookedAt);
        if (untilLook <= TimeSpan.Zero)
        {
            await Look(cancellationToken).ConfigureAwait(false);
            return;
        }
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(news, Task.Delay(wait < untilLook ? wait : untilLook, time, over.Token)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (news.IsCompleted) _lookedAt = time.GetTimestamp();
    }

    private async Task Look(CancellationToken cancellationToken)
    {
        try
        {
            var wasLost = await far.WatchAgain().WaitAsync(LookEvery, time, cancellationToken).ConfigureAwait(false);
            if (wasLost) logger.WatchedAgain(turn.TurnId);
            // Nobody told what happened meanwhile.
            if (wasLost || _isUnsure) reply.Missed();
            _isUnsure = false;
        }
        catch (Exception e) when (e is ClusterException or TimeoutException)
        {
            logger.NotWatchedAgain(e, turn.TurnId);
            _isUnsure = true;
        }
        _lookedAt = time.GetTimestamp();
    }

    private async Task Decide(CancellationToken cancellationToken)
    {
        try
        {
            if (await far.Read(ids.MessageIds[0], cancellationToken).ConfigureAwait(false))
            {
                // Events should have told. If the session has lost the watch, it gets it again.
                logger.FoundByReading(turn.TurnId);
                if (reply.Outcome is not null) return;
                await far.Watch().ConfigureAwait(false);
                // The session may have taken its time, and told nobody what happened since the reading.
                reply.Missed();
                return;
            }
        }
        catch (ClusterException e) when (e.Code is not ErrorCode.UpstreamNotFound)
        {
            // Events have told all so far; that one reading fails is no reason to wait on.
            logger.NotReadAgain(e, turn.TurnId, e.Code);
        }
        reply.Decide();
    }
}
