using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>The channel of a turn.</summary>
/// <param name="Id">Snowflake of the channel or thread.</param>
/// <param name="IsExclusive">Whether no other conversation uses it.</param>
/// <param name="IsFromJanitor">Whether the janitor created it.</param>
/// <param name="IsForOneAttempt">Whether nothing needs it after this attempt has failed.</param>
internal sealed record TurnChannel(string Id, bool IsExclusive, bool IsFromJanitor, bool IsForOneAttempt);

/// <summary>Gives turns their channel. After a turn, the channel of a named conversation is kept for its next turn; other channels are deleted.</summary>
internal sealed class TurnChannels(IGrainFactory grains, ILogger logger)
{
    /// <summary>How much longer than its timeout a turn may last, for example because its node restarts.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Returns the channel for a turn: the one that its client has chosen, or the one of its conversation, or else one as the bot's options say.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the chosen channel is in another server. Otherwise the channel could not be created.
    /// </exception>
    public async ValueTask<TurnChannel> Acquire(UpstreamTurn turn, DiscordBotOptions options, ListenerDefinition listener)
    {
        if (turn.Channel is { } chosen)
        {
            if (!chosen.StartsWith($"{listener.GuildId}/", StringComparison.Ordinal))
                throw new ClusterException(ErrorCode.InvalidRequest, "The channel is in another Discord server than the bot. Use a channel of its server.");
            return new TurnChannel(chosen[(listener.GuildId.Length + 1)..], IsExclusive: false, IsFromJanitor: false, IsForOneAttempt: false);
        }
        var turnTime = turn.Bot.Timeouts.Total + Grace;
        var keepTime = Max(turnTime, options.KeepFor);
        var janitor = Janitor(options.Listener);
        if (DiscordHandle.Read(turn.Conversation) is { } home && home.Listener == options.Listener)
        {
            await janitor.Keep(home.ChannelId, keepTime).ConfigureAwait(false);
            return new TurnChannel(home.ChannelId, home.IsExclusive, options.Channel != DiscordChannelMode.Fixed, IsForOneAttempt: false);
        }
        if (options.Channel == DiscordChannelMode.Fixed)
        {
            return new TurnChannel(options.ChannelId!, IsExclusive: false, IsFromJanitor: false, IsForOneAttempt: false);
        }

        var isThread = options.Channel == DiscordChannelMode.Thread;
        var isShared = options.Channel == DiscordChannelMode.Named;
        var conversation = NamedConversation(turn);
        var (owner, lifetime) = isShared ? ($"{turn.Bot.Id}/{options.Name}", keepTime)
            : conversation is not null ? ($"{conversation}/{turn.Bot.Id}", keepTime)
            // Each attempt has a channel of its own: a failed one may have left part of a prompt in its channel.
            : ($"{turn.TurnId}.{turn.Attempt}.{Guid.NewGuid():n}", turnTime);
        var parent = isThread ? options.ChannelId : options.CategoryId;
        var request = new DiscordChannelRequest(owner, options.Name, parent, isThread, lifetime, isThread ? null : options.Category)
        {
            TenantId = isShared || turn.TenantId.Length == 0 ? null : turn.TenantId,
        };
        var id = await janitor.Create(request).ConfigureAwait(false);
        var isForOneAttempt = !isShared && conversation is null;
        if (!isForOneAttempt) await janitor.Keep(id, lifetime).ConfigureAwait(false);
        return new TurnChannel(id, !isShared, IsFromJanitor: true, isForOneAttempt);
    }

    /// <summary>Returns the channel of a turn that has ended.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="options">The bot's options.</param>
    /// <param name="handle">The channel.</param>
    /// <param name="minTime">The channel is needed for at least this long.</param>
    public async ValueTask Return(UpstreamTurn turn, DiscordBotOptions options, DiscordHandle handle, TimeSpan minTime)
    {
        // The janitor ignores channels that it did not create.
        var janitor = Janitor(handle.Listener);
        if (!handle.IsExclusive) await janitor.Keep(handle.ChannelId, options.KeepFor).ConfigureAwait(false);
        // Until its next turn, a conversation's channel is among those that are deleted first when the server is full.
        else
        {
            var keepFor = NamedConversation(turn) is null ? options.DeleteAfter : options.KeepFor;
            await janitor.Release(handle.ChannelId, Max(minTime, keepFor)).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the channel of a turn is deleted soon after the turn.</summary>
    public static bool IsDeletedAfter(UpstreamTurn turn, DiscordBotOptions options, DiscordHandle handle) =>
        handle.IsExclusive && options.DeleteAfter is not null && NamedConversation(turn) is null;

    /// <summary>Removes a prompt that could not be posted completely. Failures are logged.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="channel">Its channel.</param>
    /// <param name="listener">The bot's listener.</param>
    /// <param name="posted">Snowflakes of the messages that were posted.</param>
    /// <param name="discord">Discord.</param>
    /// <param name="isChannelMissing">Whether the prompt failed because the channel does not exist.</param>
    public async ValueTask RemovePrompt(
        UpstreamTurn turn, TurnChannel channel, ListenerDefinition listener, IReadOnlyList<string> posted, IDiscordApi discord, bool isChannelMissing)
    {
        try
        {
            if (channel.IsForOneAttempt || (channel.IsFromJanitor && isChannelMissing))
            {
                await Janitor(listener.Id).Release(channel.Id, TimeSpan.Zero).ConfigureAwait(false);
                return;
            }
            foreach (var message in posted)
            {
                await discord.DeleteMessage(listener, channel.Id, message, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (ClusterException e)
        {
            logger.PromptNotRemoved(e, turn.TurnId, channel.Id, e.Code);
        }
    }

    private IChannelJanitorGrain Janitor(string listener) => grains.Grain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener));

    private static string? NamedConversation(UpstreamTurn turn) =>
        TurnId.TryGetConversation(turn.TurnId, out var key) && GrainKeys.IsNamedConversation(key) ? key : null;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan? Max(TimeSpan a, TimeSpan? b) => b is { } limit ? Max(a, limit) : null;
}
