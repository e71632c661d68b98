using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>One listener's gateway connection, told in the house's words.</summary>
internal sealed class ListenerConnection(
    ListenerDefinition listener,
    int shard,
    DiscordClient client,
    ChannelWriter<DiscordEvent> events,
    Action<DiscordSessionHealth> health,
    Func<CancellationToken, Task> own,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    /// <summary>How long events wait for the answer to a question of ours.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Snowflake _guild = Snowflake.Parse(listener.GuildId);
    // Not known before the first READY.
    private bool? _isInGuild;

    /// <summary>Listens until cancelled.</summary>
    /// <returns>Why Discord will not have this listener.</returns>
    public async Task<string> Run(CancellationToken cancellationToken)
    {
        var options = new DiscordGatewayOptions(listener.Id, client.Rest.Options.Token) { Shard = shard, Shards = listener.Shards, Url = listener.GatewayUrl, Proxy = client.Proxy };
        var gateway = new DiscordGateway(options, client.Rest.GetGatewayBot, TakeLease, client.Turns, time, logger);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = gateway.Run(stop.Token);
        try
        {
            await foreach (var e in gateway.Events.ReadAllAsync(cancellationToken).ConfigureAwait(false)) await Take(e, cancellationToken).ConfigureAwait(false);
            await run.ConfigureAwait(false);
            return gateway.State.Reason ?? "Discord refuses the listener.";
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until nobody else holds the listener.</summary>
    private async ValueTask TakeLease(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await own(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (ClusterException e) when (e.Until is { } until)
            {
                var now = time.GetUtcNow();
                health(new DiscordSessionHealth("waiting", e.Message, now));
                await Task.Delay(Clamp(until - now), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask Take(GatewayEvent e, CancellationToken cancellationToken)
    {
        switch (e)
        {
            case GatewayStateChanged { State: var state }:
                // Whether a new session is of any use, its READY tells.
                if (state.Phase != GatewayPhase.Ready || _isInGuild is not null) health(HealthOf(state));
                break;
            case GatewayReady ready:
                MoveTo(ready.Guilds.Contains(_guild) || await MayBeInGuild(cancellationToken).ConfigureAwait(false));
                break;
            case GuildAvailable here when here.GuildId == _guild:
                if (_isInGuild != true) MoveTo(true);
                break;
            case GuildGone { IsOutage: false } gone when gone.GuildId == _guild:
                MoveTo(false);
                break;
            case GatewayEventsMissed:
                await events.WriteAsync(new DiscordEventsMissed(), cancellationToken).ConfigureAwait(false);
                break;
            case MessageCreated { Message: var message }:
                await events.WriteAsync(SeenMessage.Of(message), cancellationToken).ConfigureAwait(false);
                break;
            case MessageUpdated { Message: var message }:
                await events.WriteAsync(SeenMessage.Of(message), cancellationToken).ConfigureAwait(false);
                break;
            case TypingStarted typing:
                await events.WriteAsync(new DiscordTyping(typing.ChannelId.ToString(), typing.UserId.ToString()), cancellationToken).ConfigureAwait(false);
                break;
            case MessagesDeleted deleted:
                foreach (var id in deleted.Ids)
                    await events.WriteAsync(new DiscordMessageDeleted(id.ToString(), deleted.ChannelId.ToString()), cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Asks for the server that READY did not name: what stands in for Discord may name servers later or not at all.</summary>
    private async Task<bool> MayBeInGuild(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
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
            return DiscordRefusal.CodeOf(e) is not (DiscordRefusal.UnknownGuild or DiscordRefusal.MissingAccess);
        }
    }

    private void MoveTo(bool isInGuild)
    {
        _isInGuild = isInGuild;
        health(HealthOf(new DiscordGatewayState(GatewayPhase.Ready, GatewayFault.None, null, time.GetUtcNow())));
    }

    private DiscordSessionHealth HealthOf(DiscordGatewayState state) => state.Phase switch
    {
        GatewayPhase.Ready when _isInGuild == false => new("failed", $"The listener is not in the Discord server {listener.GuildId}: invite it.", state.Since),
        GatewayPhase.Ready => new("ready", null, state.Since),
        GatewayPhase.Fatal => new("failed", state.Reason, state.Since),
        _ when state.Until is { } until => new("waiting", $"{state.Reason} It tries again at {until:u}.", state.Since),
        _ => new("connecting", state.Reason, state.Since),
    };

    private static TimeSpan Clamp(TimeSpan wait) => wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait;
}
