using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Has listeners connect before the first turn wants them, and channels swept that a crash left behind. Beside everything else: a node whose listeners cannot
/// connect still serves its other bots.
/// </summary>
public sealed partial class ListenerConnector(IGrainFactory grains, ILogger<ListenerConnector> logger)
{
    /// <summary>Returns at once. What cannot be done is logged; the listener's own health tells why.</summary>
    public void ConnectAll(IReadOnlyList<ListenerDefinition> listeners)
    {
        foreach (var listener in listeners) _ = Connect(listener);
    }

    /// <summary>Connects one listener, on the shard that carries its server, and sweeps its channels.</summary>
    public async Task Connect(ListenerDefinition listener)
    {
        await Task.Yield();
        try
        {
            await Task.WhenAll(
                grains.Grain<IDiscordSessionGrain>(GrainKeys.DiscordSession(listener.Id, listener.HomeShard())).Connect(),
                grains.Grain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener.Id)).Sweep());
        }
        catch (ClusterException e)
        {
            // The first turn, or the janitor's reminder, comes back to it.
            NotStarted(e, listener.Id);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The Discord listener {Listener} was not started")]
    private partial void NotStarted(Exception exception, string listener);
}
