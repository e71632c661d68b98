using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>Where a turn is held.</summary>
/// <param name="Id">Snowflake of the channel or thread.</param>
/// <param name="IsAlone">Whether the conversation has it to itself.</param>
/// <param name="IsOurs">Whether the janitor made it.</param>
/// <param name="IsForOneTry">Whether nobody needs it once this try has failed.</param>
internal sealed record DiscordPlace(string Id, bool IsAlone, bool IsOurs, bool IsForOneTry);

/// <summary>Finds turns their channel, and gives it back: kept for the next turn of a named conversation, else to be deleted.</summary>
internal sealed class DiscordChannels(IGrainFactory grains, ILogger logger)
{
    /// <summary>What a turn may take beyond its time-out: a restart of the node, say.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>The channel for a turn: that of its conversation, if it has one, else as the bot's options say.</summary>
    public async ValueTask<DiscordPlace> Take(UpstreamTurn turn, DiscordBotOptions options)
    {
        var running = turn.Bot.Timeouts.Total + Grace;
        var janitor = Janitor(options.Listener);
        if (DiscordHandle.Of(turn.Conversation) is { } home && home.Listener == options.Listener)
        {
            await janitor.Keep(home.ChannelId, Longer(running, options.KeepFor)).ConfigureAwait(false);
            return new DiscordPlace(home.ChannelId, home.IsAlone, options.Channel != DiscordChannelMode.Fixed, IsForOneTry: false);
        }
        if (options.Channel == DiscordChannelMode.Fixed) return new DiscordPlace(options.ChannelId!, IsAlone: false, IsOurs: false, IsForOneTry: false);

        var isThread = options.Channel == DiscordChannelMode.Thread;
        var parent = isThread ? options.ChannelId : options.CategoryId;
        var isNamed = NamedConversation(turn) is not null;
        var (owner, lifetime) = options.Channel == DiscordChannelMode.Named ? ($"{turn.Bot.Id}/{options.Name}", Longer(running, options.KeepFor))
            : NamedConversation(turn) is { } conversation ? ($"{conversation}/{turn.Bot.Id}", Longer(running, options.KeepFor))
            // A try that failed may have left half a prompt behind.
            : ($"{turn.TurnId}.{turn.Attempt}", running);
        var id = await janitor.Create(new DiscordChannelRequest(owner, options.Name, parent, isThread, lifetime, isThread ? null : options.Category)).ConfigureAwait(false);
        var isShared = options.Channel == DiscordChannelMode.Named;
        if (isShared || isNamed) await janitor.Keep(id, lifetime).ConfigureAwait(false);
        return new DiscordPlace(id, !isShared, IsOurs: true, IsForOneTry: !isShared && !isNamed);
    }

    /// <summary>The turn has ended.</summary>
    public async ValueTask GiveBack(UpstreamTurn turn, DiscordBotOptions options, DiscordHandle handle)
    {
        // The janitor knows its own channels and leaves those of others alone.
        var janitor = Janitor(handle.Listener);
        if (!handle.IsAlone) await janitor.Keep(handle.ChannelId, options.KeepFor).ConfigureAwait(false);
        // Until its next turn a conversation's channel is one of those that go first when the server is full.
        else await janitor.Release(handle.ChannelId, NamedConversation(turn) is null ? options.DeleteAfter : options.KeepFor).ConfigureAwait(false);
    }

    /// <summary>The prompt could not be posted: what of it is there goes away.</summary>
    public async ValueTask TakeBack(DiscordPlace place, ListenerDefinition listener, IReadOnlyList<string> posted, IDiscordApi discord, bool isBroken)
    {
        try
        {
            if (place.IsForOneTry || (place.IsOurs && isBroken)) await Janitor(listener.Id).Release(place.Id, TimeSpan.Zero).ConfigureAwait(false);
            else foreach (var message in posted) await discord.DeleteMessage(listener, place.Id, message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ClusterException e)
        {
            logger.NotTakenBack(e, place.Id, e.Code);
        }
    }

    private IChannelJanitorGrain Janitor(string listener) => grains.Grain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener));

    private static string? NamedConversation(UpstreamTurn turn) =>
        TurnId.TryGetConversation(turn.TurnId, out var key) && GrainKeys.IsNamedConversation(key) ? key : null;

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
