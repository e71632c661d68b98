using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>How one reply is received: through a watch of its channel at the listener's session, and by reading the channel over REST.</summary>
internal sealed class ChannelWatch(
    IGrainFactory grains, IDiscordApi discord, ListenerDefinition listener, string channelId, string botId, DiscordReply reply, ILogger logger)
    : IAsyncDisposable
{
    private readonly DiscordWatch _watch = new(Guid.NewGuid().ToString("n"), channelId, botId);
    // Orleans holds the observer by a weak reference. This object keeps the reply alive, and the exchange keeps this object alive.
    private readonly IDiscordObserver _observer = grains.CreateObjectReference<IDiscordObserver>(reply);

    private IDiscordSessionGrain Session => grains.Grain<IDiscordSessionGrain>(GrainKeys.DiscordSession(listener.Id, listener.HomeShard()));

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
            throw DiscordErrors.OfListener(e, listener.Id);
        }
    }

    /// <summary>Ends the watch.</summary>
    public async ValueTask DisposeAsync()
    {
        reply.Close();
        try
        {
            await Session.Unwatch(_watch.Id).ConfigureAwait(false);
        }
        catch (ClusterException exception)
        {
            // The session ends the watch itself: the observer answers the next events with false, or not at all.
            logger.NotUnwatched(exception, channelId);
        }
        finally
        {
            // Not earlier: Orleans drops calls to a deleted reference, and the session would wait for their answers.
            grains.DeleteObjectReference<IDiscordObserver>(_observer);
        }
    }

    private async ValueTask<bool> ReadAndMerge(string promptId, CancellationToken cancellationToken)
    {
        var known = reply.MessageIds;
        var messages = await discord.ReadAfter(listener, channelId, promptId, cancellationToken).ConfigureAwait(false);
        var isComplete = messages.Count < IDiscordApi.MaxMessagesPerRead;
        if (!isComplete && known.Count > 0 && !messages.Any(message => message.Id == known[^1].ToString()))
        {
            // The page is full of other messages. At least the last message of the reply is read too.
            var last = await discord.Read(listener, channelId, known[^1].ToString(), cancellationToken).ConfigureAwait(false);
            if (last is not null) messages = [.. messages, last];
        }
        return reply.Merge(messages, isComplete, known);
    }
}
