using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Asks Discord for each listener that bots use whether its token, its membership, its permissions and its intents are right; for each account whether it is
/// a member where it posts; and for each bot whether it is a member of its server. By REST only, so a running node keeps its connections.
/// </summary>
internal sealed class DiscordProbe : IUpstreamProbe, IDisposable
{
    private readonly DiscordClients _clients;

    // Who asks waits for the answer.
    public DiscordProbe(ISecretSeal seal, TimeProvider time, ILogger<DiscordProbe> logger) =>
        _clients = new DiscordClients(seal, time, logger) { MaxRetries = 1 };

    /// <inheritdoc />
    public IEnumerable<ProbeQuestion> Questions(Fleet fleet)
    {
        var bots = fleet.Bots.Where(bot => bot.Upstream == UpstreamNames.Discord).Select(bot => new Placed(bot, DiscordBotOptions.Of(bot))).ToList();
        foreach (var listener in fleet.Listeners)
        {
            var served = bots.Where(bot => bot.Options.Listener == listener.Id).ToList();
            var needed = served.Aggregate(DiscordPermissions.ViewChannels | DiscordPermissions.ReadMessageHistory, (sum, bot) => sum | NeededByListener(bot));
            yield return new ProbeQuestion($"listener '{listener.Id}'", stop => AskListener(listener, needed, stop));
            yield return new ProbeQuestion($"intents of listener '{listener.Id}'", stop => AskIntents(listener, stop));
            foreach (var bot in served)
            {
                yield return new ProbeQuestion($"bot '{bot.Bot.Id}'", stop => AskBot(listener, bot.Bot, stop));
                if (bot.Options.ChannelId is { } channel)
                    yield return new ProbeQuestion($"channel of bot '{bot.Bot.Id}'", stop => AskChannel(listener, channel, stop));
            }
            foreach (var account in fleet.Accounts)
            {
                var asking = served.Where(bot => bot.Bot.Accounts.Contains(account.Id)).ToList();
                if (asking.Count == 0) continue;
                var rights = asking.Aggregate(DiscordPermissions.ViewChannels, (sum, bot) => sum | NeededByAccount(bot));
                yield return new ProbeQuestion($"account '{account.Id}' in server {listener.GuildId}", stop => AskAccount(account, listener, rights, stop));
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _clients.Dispose();

    private static DiscordPermissions NeededByListener(Placed bot) => bot.Options.Channel switch
    {
        DiscordChannelMode.Fixed => DiscordPermissions.None,
        DiscordChannelMode.Thread => DiscordPermissions.CreatePublicThreads | DiscordPermissions.ManageThreads,
        _ => DiscordPermissions.ManageChannels,
    };

    private static DiscordPermissions NeededByAccount(Placed bot) =>
        (bot.Options.Channel == DiscordChannelMode.Thread ? DiscordPermissions.SendMessagesInThreads : DiscordPermissions.SendMessages)
        | (bot.Options.Long == DiscordLongPrompt.File ? DiscordPermissions.AttachFiles : DiscordPermissions.None);

    private async Task<ProbeFinding> AskListener(ListenerDefinition listener, DiscordPermissions needed, CancellationToken cancellationToken)
    {
        var rest = _clients.Of(listener).Rest;
        try
        {
            var granted = await rest.GetOwnPermissions(Snowflake.Parse(listener.GuildId), cancellationToken).ConfigureAwait(false);
            if (granted is null)
            {
                return ProbeFinding.Problem(
                    $"The token is valid, but the listener is not in the server {listener.GuildId}. Invite it as docs/discord.md says, or correct 'guild_id'.");
            }
            var missing = Missing(granted.Value, needed);
            return missing.Length == 0
                ? ProbeFinding.Ok("The token is valid, and the listener is in its server, with the permissions that it needs.")
                : ProbeFinding.Problem(
                    $"The listener lacks permissions in the server {listener.GuildId}: {missing}. Give them to its role in the settings of the server.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized)
        {
            return ProbeFinding.Problem(e, $"Copy the token of the bot '{listener.Id}' from Discord's developer portal into the fleet file.");
        }
    }

    private async Task<ProbeFinding> AskIntents(ListenerDefinition listener, CancellationToken cancellationToken)
    {
        try
        {
            var application = await _clients.Of(listener).Rest.GetOwnApplication(cancellationToken).ConfigureAwait(false);
            return application.HasMessageContent
                ? ProbeFinding.Ok("The message content intent is on.")
                : ProbeFinding.Problem("The message content intent is off. Switch it on in Discord's developer portal, under Bot.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized)
        {
            return ProbeFinding.Unknown("Not known without a valid token.");
        }
    }

    private async Task<ProbeFinding> AskBot(ListenerDefinition listener, BotDefinition bot, CancellationToken cancellationToken)
    {
        try
        {
            var (guild, user) = (Snowflake.Parse(listener.GuildId), Snowflake.Parse(bot.UpstreamBotId));
            return await _clients.Of(listener).Rest.GetMember(guild, user, cancellationToken).ConfigureAwait(false) is not null
                ? ProbeFinding.Ok($"It is in the server {listener.GuildId}.")
                : ProbeFinding.Problem(
                    $"The user {bot.UpstreamBotId} is not in the server {listener.GuildId}. Invite the bot that answers there, or correct 'bot_id'.");
        }
        catch (ClusterException e) when (IsAboutListener(e))
        {
            return ProbeFinding.Unknown($"Not known without the listener '{listener.Id}' in the server {listener.GuildId}.");
        }
    }

    private async Task<ProbeFinding> AskChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken)
    {
        try
        {
            var channel = await _clients.Of(listener).Rest.GetChannel(Snowflake.Parse(channelId), cancellationToken).ConfigureAwait(false);
            return channel.GuildId is { } guild && guild.ToString() != listener.GuildId
                ? ProbeFinding.Problem($"The channel {channelId} is in another server than the listener '{listener.Id}'. Correct 'channel_id'.")
                : ProbeFinding.Ok($"The listener '{listener.Id}' sees the channel {channelId}.");
        }
        catch (ClusterException e) when (e.Code is ErrorCode.UpstreamNotFound or ErrorCode.UpstreamForbidden)
        {
            return ProbeFinding.Problem(e, $"Correct 'channel_id' {channelId}, or let the listener '{listener.Id}' see the channel.");
        }
        catch (ClusterException e) when (IsAboutListener(e))
        {
            return ProbeFinding.Unknown($"Not known without the listener '{listener.Id}'.");
        }
    }

    private async Task<ProbeFinding> AskAccount(
        AccountDefinition account, ListenerDefinition listener, DiscordPermissions needed, CancellationToken cancellationToken)
    {
        try
        {
            var granted = await _clients.Of(account).Rest.GetOwnPermissions(Snowflake.Parse(listener.GuildId), cancellationToken).ConfigureAwait(false);
            if (granted is null)
            {
                return ProbeFinding.Problem(
                    $"The token is valid, but the account is not a member of the server {listener.GuildId}. "
                    + $"Let it join the server of listener '{listener.Id}'.");
            }
            var missing = Missing(granted.Value, needed);
            return missing.Length == 0
                ? ProbeFinding.Ok("The token is valid, and the account may send.")
                : ProbeFinding.Problem($"The account lacks permissions: {missing}. Give them to one of its roles in the settings of the server.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized)
        {
            return ProbeFinding.Problem(
                e, $"Give account '{account.Id}' a valid token in the fleet file, and check that its option 'kind' says whose token it is.");
        }
    }

    private static bool IsAboutListener(ClusterException error) => error.Code is ErrorCode.UpstreamUnauthorized or ErrorCode.UpstreamForbidden
        || DiscordErrorException.CodeOf(error) == DiscordErrorException.UnknownGuild;

    // The names that Discord's settings show.
    private static string Missing(DiscordPermissions granted, DiscordPermissions needed)
    {
        if (granted.HasFlag(DiscordPermissions.Administrator)) return "";
        var missing = needed & ~granted;
        return string.Join(", ", Enum.GetValues<DiscordPermissions>().Where(each => each != 0 && missing.HasFlag(each)).Select(NameOf));
    }

    private static string NameOf(DiscordPermissions permission) => permission switch
    {
        DiscordPermissions.ManageChannels => "Manage Channels",
        DiscordPermissions.ViewChannels => "View Channels",
        DiscordPermissions.SendMessages => "Send Messages",
        DiscordPermissions.AttachFiles => "Attach Files",
        DiscordPermissions.ReadMessageHistory => "Read Message History",
        DiscordPermissions.ManageThreads => "Manage Threads",
        DiscordPermissions.CreatePublicThreads => "Create Public Threads",
        DiscordPermissions.SendMessagesInThreads => "Send Messages in Threads",
        _ => permission.ToString(),
    };

    private sealed record Placed(BotDefinition Bot, DiscordBotOptions Options);
}
