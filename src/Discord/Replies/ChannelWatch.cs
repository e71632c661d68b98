using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>How one reply is received: through a watch of its channel at the listener's session, and by reading the channel over REST.</summary>
internal sealed class ChannelWatch : IAsyncDisposable
{
    private readonly IGrainFactory _grains;
    private readonly IDiscordApi _discord;
    private readonly ListenerDefinition _listener;
    private readonly DiscordWatch _watch;
    private readonly DiscordReply _reply;
    private readonly IDiscordObserver _observer;
    private readonly ILogger _logger;

    private ChannelWatch(
        IGrainFactory grains, IDiscordApi discord, ListenerDefinition listener, DiscordWatch watch, DiscordReply reply, IDiscordObserver observer,
        ILogger logger)
    {
        (_grains, _discord, _listener, _watch, _reply, _observer, _logger) = (grains, discord, listener, watch, reply, observer, logger);
    }

    private IDiscordSessionGrain Session => _grains.Grain<IDiscordSessionGrain>(GrainKeys.DiscordSession(_listener.Id, _listener.HomeShard()));

    /// <summary>Creates a watch that is not started.</summary>
    public static async Task<ChannelWatch> Create(
        IGrainFactory grains, IDiscordApi discord, ListenerDefinition listener, string channelId, string botId, DiscordReply reply, ILogger logger)
    {
        // Orleans refuses to create a reference to an observer in the context of a grain. It holds the observer by a weak reference: the watch keeps the reply
        // alive, and the exchange keeps the watch alive.
        var observer = await Task.Run(() => grains.CreateObjectReference<IDiscordObserver>(reply)).ConfigureAwait(false);
        return new ChannelWatch(grains, discord, listener, new DiscordWatch(Guid.NewGuid().ToString("n"), channelId, botId), reply, observer, logger);
    }

    /// <summary>Starts the watch, or starts it again.</summary>
    /// <exception cref="ClusterException">The listener is not connected, or its session cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled. The watch may have been started nevertheless.</exception>
    public Task Start(CancellationToken cancellationToken) => Session.Watch(_watch, _observer, cancellationToken);

    /// <summary>Starts the watch if it is not active.</summary>
    /// <returns>Whether it was not active.</returns>
    /// <exception cref="ClusterException">The listener is not connected, or its session cannot be reached.</exception>
    public async Task<bool> Restore(CancellationToken cancellationToken)
    {
        if (await Session.IsWatching(_watch.Id).ConfigureAwait(false)) return false;
        await Start(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Reads the messages after the prompt.</summary>
    /// <returns>Whether they contain something that no event had delivered.</returns>
    /// <exception cref="ClusterException">The channel could not be read.</exception>
    public async ValueTask<bool> ReadChannel(string promptId, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAndMerge(promptId, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e)
        {
            throw DiscordErrors.OfListener(e, _listener.Id);
        }
    }

    /// <summary>Ends the watch.</summary>
    public async ValueTask DisposeAsync()
    {
        _reply.Close();
        try
        {
            await Session.Unwatch(_watch.Id).ConfigureAwait(false);
        }
        catch (ClusterException exception)
        {
            // The session ends the watch itself: the observer answers the next events with false, or not at all.
            _logger.NotUnwatched(exception, _watch.ChannelId);
        }
        finally
        {
            // Not earlier: Orleans drops calls to a deleted reference, and the session would wait for their answers.
            _grains.DeleteObjectReference<IDiscordObserver>(_observer);
        }
    }

    private async ValueTask<bool> ReadAndMerge(string promptId, CancellationToken cancellationToken)
    {
        var known = _reply.MessageIds;
        var messages = await _discord.ReadAfter(_listener, _watch.ChannelId, promptId, cancellationToken).ConfigureAwait(false);
        var isComplete = messages.Count < IDiscordApi.MaxMessagesPerRead;
        if (!isComplete && known.Count > 0 && !messages.Any(message => message.Id == known[^1].ToString()))
        {
            // The page is full of other messages. At least the last message of the reply is read too.
            var last = await _discord.Read(_listener, _watch.ChannelId, known[^1].ToString(), cancellationToken).ConfigureAwait(false);
            if (last is not null) messages = [.. messages, last];
        }
        return _reply.Merge(messages, isComplete, known);
    }
}
