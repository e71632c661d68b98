using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>A reply read from a channel. It tells the handle first; its end is decided here, as Discord does not tell it.</summary>
internal sealed class DiscordExchange(
    UpstreamTurn turn, DiscordHandle ids, DiscordReply reply, ChannelWatch far, bool isWatched,
    DiscordLearning learning, DiscordChannels channels, TimeProvider time, ILogger logger) : IExchange
{
    /// <summary>After so long without news the session is asked whether it still watches: one that moved to another node has forgotten.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private UpstreamHandle? _handle = ids.ToHandle(turn);
    private long _heardAt = time.GetTimestamp();
    // What the session does not watch it is asked to; until it does, the channel is read.
    private Task<bool>? _looking = isWatched ? null : far.Watch();
    private bool _isWatched = isWatched;

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
        var left = LookEvery - time.GetElapsedTime(_heardAt);
        if (left <= TimeSpan.Zero)
        {
            _heardAt = time.GetTimestamp();
            // Nobody tells what happens as long as the session cannot be reached.
            if (!_isWatched || _looking is not null) reply.Missed();
            _looking ??= far.WatchAgain();
            return;
        }
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timer = Task.Delay(wait < left ? wait : left, time, over.Token);
        await (_looking is null ? Task.WhenAny(news, timer) : Task.WhenAny(news, timer, _looking)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (news.IsCompleted) _heardAt = time.GetTimestamp();
        if (_looking is { IsCompleted: true } looked) await Looked(looked).ConfigureAwait(false);
    }

    private async Task Looked(Task<bool> looked)
    {
        _looking = null;
        try
        {
            var wasLost = await looked.ConfigureAwait(false);
            if (wasLost) logger.WatchedAgain(turn.TurnId);
            // Nobody told what happened meanwhile.
            if (wasLost || !_isWatched) reply.Missed();
            _isWatched = true;
        }
        catch (ClusterException e)
        {
            logger.NotWatchedAgain(e, turn.TurnId);
            _isWatched = false;
        }
    }

    private async Task Decide(CancellationToken cancellationToken)
    {
        try
        {
            if (await far.Read(ids.MessageIds[0], cancellationToken).ConfigureAwait(false))
            {
                // Events should have told. If the session has lost the watch, it gets it again.
                logger.FoundByReading(turn.TurnId);
                if (reply.Outcome is null) _looking ??= far.Watch();
                return;
            }
        }
        catch (ClusterException e) when (_isWatched && _looking is null && e.Code is not ErrorCode.UpstreamNotFound)
        {
            // Events have told all so far; that one reading fails is no reason to wait on.
            logger.NotReadAgain(e, turn.TurnId, e.Code);
        }
        reply.Decide();
    }
}
