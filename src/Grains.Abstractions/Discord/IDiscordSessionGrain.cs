using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// One gateway connection of one listener, the only one in the cluster: it takes a lease row with an epoch before it identifies.
/// Key: <see cref="GrainKeys.DiscordSession"/>, never the token.
/// </summary>
[Alias("discord-session")]
public interface IDiscordSessionGrain : IGrainWithStringKey
{
    /// <summary>Hears events from now on. Watch first, then send: so no reply can be missed. A watch ends when its observer is gone.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: the listener cannot connect (bad token, intent not granted); says why.</exception>
    [Alias("Watch"), AlwaysInterleave, Idempotent]
    Task Watch(DiscordWatch watch, IDiscordObserver observer);

    /// <summary>Ends a watch.</summary>
    [Alias("Unwatch"), AlwaysInterleave, Idempotent]
    Task Unwatch(string watchId);

    /// <summary>Whether a watch is kept. A session that came to life anew, on another node say, knows none of before.</summary>
    [Alias("Watches"), AlwaysInterleave, Idempotent]
    Task<bool> Watches(string watchId);

    /// <summary>Connects if it is not connected, and tells how it stands. Called when a node starts, so that listeners are ready before the first turn.</summary>
    [Alias("Connect"), AlwaysInterleave, Idempotent]
    Task<DiscordSessionHealth> Connect();

    /// <summary>Takes or prolongs the lease row; the connection asks before every identify.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: somebody else holds it, until <see cref="ClusterException.Until"/>.</exception>
    [Alias("Own"), AlwaysInterleave, Idempotent]
    Task Own();
}

/// <summary>Hears what happens in a watched channel.</summary>
[Alias("discord-observer")]
public interface IDiscordObserver : IGrainObserver
{
    /// <summary>Takes events, in order; returns once they are queued.</summary>
    /// <returns>Whether it still watches.</returns>
    [Alias("OnEvents")]
    ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events);
}
