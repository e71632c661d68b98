using CozeCluster.Messages;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Discord;

/// <summary>A reply read from a channel. It tells the handle first; its end is decided here, as Discord does not tell it.</summary>
internal sealed class DiscordExchange : IExchange
{
    /// <summary>After so long without news the session is asked whether it still watches: one that moved to another node has forgotten.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly UpstreamTurn _turn;
    private readonly DiscordHandle _ids;
    private readonly DiscordReply _reply;
    private readonly DiscordFar _far;
    private readonly DiscordLearning _learning;
    private readonly DiscordChannels _channels;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private UpstreamHandle? _handle;
    private long _heardAt;
    private Task<bool>? _looking;
    private bool _isWatched;

    /// <param name="turn">The turn.</param>
    /// <param name="ids">Where it is.</param>
    /// <param name="reply">Its reply.</param>
    /// <param name="far">Where that is watched.</param>
    /// <param name="isWatched">Whether the session watches already; else it is asked to, and until it does the channel is read.</param>
    /// <param name="learning">Learns from the reply.</param>
    /// <param name="channels">Takes the channel back.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">For what went otherwise.</param>
    public DiscordExchange(
        UpstreamTurn turn, DiscordHandle ids, DiscordReply reply, DiscordFar far, bool isWatched,
        DiscordLearning learning, DiscordChannels channels, TimeProvider time, ILogger logger)
    {
        (_turn, _ids, _reply, _far, _isWatched) = (turn, ids, reply, far, isWatched);
        (_learning, _channels, _time, _logger) = (learning, channels, time, logger);
        _handle = ids.ToHandle(turn);
        _heardAt = time.GetTimestamp();
        if (!isWatched) _looking = far.WatchAnew();
    }

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_handle is not null) return true;
        while (true)
        {
            switch (_reply.Next(out var news, out var wait))
            {
                case ReplyStep.Read:
                    return true;
                case ReplyStep.Over:
                    return false;
                case ReplyStep.Wait:
                    await Wait(news, wait, cancellationToken).ConfigureAwait(false);
                    break;
                case ReplyStep.Catch:
                    await _far.Read(_ids.MessageIds[0], cancellationToken).ConfigureAwait(false);
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
        _reply.Read(sink);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _learning.Take(_turn.Bot.Id, _reply, _far).ConfigureAwait(false);
        // Nobody was told of the channel, so nobody else will give it back.
        if (_handle is not null) await _channels.GiveBack(_turn, DiscordBotOptions.Of(_turn.Bot), _ids).ConfigureAwait(false);
    }

    private async Task Wait(Task news, TimeSpan wait, CancellationToken cancellationToken)
    {
        var left = LookEvery - _time.GetElapsedTime(_heardAt);
        if (left <= TimeSpan.Zero)
        {
            _heardAt = _time.GetTimestamp();
            // Nobody tells what happens as long as the session cannot be reached.
            if (!_isWatched || _looking is not null) _reply.Missed();
            _looking ??= _far.WatchAgain();
            return;
        }
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timer = Task.Delay(wait < left ? wait : left, _time, over.Token);
        await (_looking is null ? Task.WhenAny(news, timer) : Task.WhenAny(news, timer, _looking)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (news.IsCompleted) _heardAt = _time.GetTimestamp();
        if (_looking is { IsCompleted: true } looked) await Looked(looked).ConfigureAwait(false);
    }

    private async Task Looked(Task<bool> looked)
    {
        _looking = null;
        try
        {
            var wasLost = await looked.ConfigureAwait(false);
            if (wasLost) _logger.WatchedAgain(_turn.TurnId);
            // Nobody told what happened meanwhile.
            if (wasLost || !_isWatched) _reply.Missed();
            _isWatched = true;
        }
        catch (ClusterException e)
        {
            _logger.NotWatchedAgain(e, _turn.TurnId);
            _isWatched = false;
        }
    }

    private async Task Decide(CancellationToken cancellationToken)
    {
        try
        {
            if (await _far.Read(_ids.MessageIds[0], cancellationToken).ConfigureAwait(false))
            {
                // Events should have told. If the session has lost the watch, it gets it again.
                _logger.FoundByReading(_turn.TurnId);
                if (_reply.Outcome is null) _looking ??= _far.WatchAnew();
                return;
            }
        }
        catch (ClusterException e) when (_isWatched && _looking is null && e.Code is not ErrorCode.UpstreamNotFound)
        {
            // Events have told all so far; that one reading fails is no reason to wait on.
            _logger.NotReadAgain(e, _turn.TurnId, e.Code);
        }
        _reply.Decide();
    }
}
