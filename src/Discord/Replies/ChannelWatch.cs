namespace CozeCluster.Discord;

/// <summary>Where one reply is watched: its channel, through the listener's session and by reading it.</summary>
internal sealed class ChannelWatch(IGrainFactory grains, IDiscordApi discord, ListenerDefinition listener, string channelId, string botId, DiscordReply reply) : IAsyncDisposable
{
    // As many as one reading returns.
    private const int Page = 100;

    private readonly DiscordWatch _watch = new(Guid.NewGuid().ToString("n"), channelId, botId);
    // Orleans holds the observed object weakly: the reply is kept alive by this object, which its exchange holds.
    private readonly IDiscordObserver _observer = grains.CreateObjectReference<IDiscordObserver>(reply);

    private IDiscordSessionGrain Session => grains.Grain<IDiscordSessionGrain>(
        GrainKeys.DiscordSession(listener.Id, DiscordGatewayOptions.ShardOf(Snowflake.Parse(listener.GuildId), listener.Shards)));

    /// <summary>Hears the channel from now on, or again if its session lost the watch.</summary>
    /// <returns>True: it may not have been heard before.</returns>
    /// <exception cref="ClusterException">The listener is not connected, or its session cannot be reached.</exception>
    public async Task<bool> Watch()
    {
        await Session.Watch(_watch, _observer).ConfigureAwait(false);
        return true;
    }

    /// <summary>Sees to it that the channel is heard.</summary>
    /// <returns>Whether it was not.</returns>
    /// <exception cref="ClusterException">The listener is not connected, or its session cannot be reached.</exception>
    public async Task<bool> WatchAgain() => !await Session.IsWatching(_watch.Id).ConfigureAwait(false) && await Watch().ConfigureAwait(false);

    /// <summary>Reads what stands in the channel behind the prompt.</summary>
    /// <returns>Whether that showed what events had not.</returns>
    public async ValueTask<bool> Read(string promptId, CancellationToken cancellationToken)
    {
        var known = reply.Known;
        var seen = await discord.ReadAfter(listener, channelId, promptId, cancellationToken).ConfigureAwait(false);
        var isAll = seen.Count < Page;
        if (!isAll && known.Count > 0 && !seen.Any(message => message.Id == known[^1].ToString()))
        {
            // A channel full of others' messages: of ours at least the last is looked at.
            if (await discord.Read(listener, channelId, known[^1].ToString(), cancellationToken).ConfigureAwait(false) is { } last) seen = [.. seen, last];
        }
        return reply.Found(seen, isAll, known);
    }

    /// <summary>Hears nothing any more.</summary>
    public async ValueTask DisposeAsync()
    {
        reply.Close();
        try
        {
            await Session.Unwatch(_watch.Id).ConfigureAwait(false);
        }
        catch (ClusterException)
        {
            // The session finds out by itself, as nobody takes its events.
        }
        finally
        {
            // Only now: calls to a reference that is deleted are dropped, and the session would wait for their answers.
            grains.DeleteObjectReference<IDiscordObserver>(_observer);
        }
    }
}
