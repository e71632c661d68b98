using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Connects listeners before the first turn needs them, and deletes channels that a crash left behind. It works in the background: a node whose listeners
/// cannot connect still serves its other bots.
/// </summary>
public sealed partial class ListenerConnector(IGrainFactory grains, ILogger<ListenerConnector> logger)
{
    /// <summary>Starts to connect all listeners and returns at once. Failures are logged, and are in the health of the listener.</summary>
    public void ConnectAll(IReadOnlyList<ListenerDefinition> listeners)
    {
        foreach (var listener in listeners) _ = Connect(listener);
    }

    /// <summary>Connects the shard of a listener that receives its server's events, and deletes its channels that are due.</summary>
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
            // The first turn connects the listener too, and the janitor's reminder deletes the channels.
            LogNotConnected(e, listener.Id);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The Discord listener {ListenerId} was not started")]
    private partial void LogNotConnected(Exception exception, string listenerId);
}
