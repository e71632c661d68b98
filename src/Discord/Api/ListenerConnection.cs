using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// One listener's connection to Discord's gateway. Turns its events into <see cref="DiscordEvent"/>s and its state into <see cref="DiscordSessionHealth"/>.
/// </summary>
internal sealed class ListenerConnection(
    ListenerDefinition listener,
    int shard,
    DiscordClient client,
    ChannelWriter<DiscordEvent> events,
    Action<DiscordSessionHealth> onHealth,
    Func<CancellationToken, Task> takeLease,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan MinLeaseWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxLeaseWait = TimeSpan.FromMinutes(1);

    /// <summary>How long events wait while Discord is asked for the server.</summary>
    private static readonly TimeSpan GuildTimeout = TimeSpan.FromSeconds(5);

    private readonly Snowflake _guild = Snowflake.Parse(listener.GuildId);
    // Null before the first READY.
    private bool? _isInGuild;

    /// <summary>Runs until cancelled.</summary>
    /// <returns>Why Discord rejected the listener.</returns>
    public async Task<string> Run(CancellationToken cancellationToken)
    {
        var options = new DiscordGatewayOptions(listener.Id, client.Rest.Options.Token)
        {
            Shard = shard,
            Shards = listener.Shards,
            Url = listener.GatewayUrl,
            Proxy = client.Proxy,
        };
        var gateway = new DiscordGateway(options, client.Rest.GetGatewayBot, WaitForLease, client.IdentifyPacing, time, logger);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = gateway.Run(stop.Token);
        try
        {
            await foreach (var e in gateway.Events.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                await Handle(e, cancellationToken).ConfigureAwait(false);
            }
            await run.ConfigureAwait(false);
            return gateway.State.Reason ?? "Discord rejected the listener.";
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until the lease is free, and takes it.</summary>
    private async ValueTask WaitForLease(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await takeLease(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (ClusterException e) when (e.Until is { } until)
            {
                var now = time.GetUtcNow();
                onHealth(new DiscordSessionHealth("waiting", e.Message, now));
                await Task.Delay(Clamp(until - now), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask Handle(DiscordGatewayEvent e, CancellationToken cancellationToken)
    {
        switch (e)
        {
            case DiscordGatewayStateChanged { State: var state }:
                // Before the first READY it is unknown whether the listener is in the server.
                if (state.Phase != DiscordGatewayPhase.Ready || _isInGuild is not null) onHealth(HealthOf(state));
                break;
            case DiscordGatewayReady ready:
                SetInGuild(ready.Guilds.Contains(_guild) || await MayBeInGuild(cancellationToken).ConfigureAwait(false));
                break;
            case GuildAvailable available when available.GuildId == _guild:
                if (_isInGuild != true) SetInGuild(true);
                break;
            case GuildUnavailable { IsOutage: false } removed when removed.GuildId == _guild:
                SetInGuild(false);
                break;
            case DiscordGatewayEventsMissed:
                await events.WriteAsync(new DiscordEventsMissed(), cancellationToken).ConfigureAwait(false);
                break;
            case MessageCreated { Message: var message }:
                await events.WriteAsync(MessageContent.ToEvent(message), cancellationToken).ConfigureAwait(false);
                break;
            case MessageUpdated { Message: var message }:
                await events.WriteAsync(MessageContent.ToEvent(message), cancellationToken).ConfigureAwait(false);
                break;
            case TypingStarted typing:
                await events.WriteAsync(new DiscordTyping(typing.ChannelId.ToString(), typing.UserId.ToString()), cancellationToken).ConfigureAwait(false);
                break;
            case MessagesDeleted deleted:
                foreach (var id in deleted.Ids)
                {
                    await events.WriteAsync(new DiscordMessageDeleted(id.ToString(), deleted.ChannelId.ToString()), cancellationToken).ConfigureAwait(false);
                }
                break;
        }
    }

    /// <summary>Asks REST for the server if READY did not include it. Replacements of Discord may report servers later, or not at all.</summary>
    private async Task<bool> MayBeInGuild(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(GuildTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await client.Rest.GetGuild(_guild, either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return true;
        }
        catch (ClusterException e)
        {
            return DiscordErrorException.CodeOf(e) is not (DiscordErrorException.UnknownGuild or DiscordErrorException.MissingAccess);
        }
    }

    private void SetInGuild(bool isInGuild)
    {
        _isInGuild = isInGuild;
        onHealth(HealthOf(new DiscordGatewayState(DiscordGatewayPhase.Ready, DiscordGatewayFault.None, null, time.GetUtcNow())));
    }

    private DiscordSessionHealth HealthOf(DiscordGatewayState state) => state.Phase switch
    {
        DiscordGatewayPhase.Ready when _isInGuild == false =>
            new("failed", $"The listener is not in the Discord server {listener.GuildId}. Invite the bot to the server.", state.Since),
        DiscordGatewayPhase.Ready => new("ready", null, state.Since),
        DiscordGatewayPhase.Fatal => new("failed", state.Reason, state.Since),
        _ when state.Until is { } until => new("waiting", $"{state.Reason} The next attempt is at {until:u}.", state.Since),
        _ => new("connecting", state.Reason, state.Since),
    };

    private static TimeSpan Clamp(TimeSpan wait) => wait < MinLeaseWait ? MinLeaseWait : wait > MaxLeaseWait ? MaxLeaseWait : wait;
}
