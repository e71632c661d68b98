using Orleans.Concurrency;

namespace CozeCluster.Discord;

/// <summary>
/// Holds the connection of one shard of a listener to Discord's gateway, the only one in the cluster: before it identifies, it takes a lease with an epoch in
/// its state. Key: <see cref="GrainKeys.DiscordSession"/>, never the token.
/// </summary>
[Alias("discord-session")]
public interface IDiscordSessionGrain : IGrainWithStringKey
{
    /// <summary>
    /// Starts a watch: from now on, the observer receives the events of the channel. Watch first and post afterwards, so that no part of the reply is missed.
    /// The watch ends when its observer no longer exists.
    /// </summary>
    /// <param name="watch">What to watch.</param>
    /// <param name="observer">Receives the events.</param>
    /// <param name="cancellationToken">Ends the wait for the listener's connection. The watch is not started then.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnavailable"/>: the listener cannot connect (wrong token, missing intent); the message gives the reason.
    /// </exception>
    [Alias("Watch"), AlwaysInterleave, Idempotent]
    Task Watch(DiscordWatch watch, IDiscordObserver observer, CancellationToken cancellationToken = default);

    /// <summary>Ends a watch.</summary>
    [Alias("Unwatch"), AlwaysInterleave, Idempotent]
    Task Unwatch(string watchId);

    /// <summary>Whether a watch is active. A new activation, on another node for example, does not know the watches of an earlier one.</summary>
    [Alias("Watches"), AlwaysInterleave, Idempotent]
    Task<bool> IsWatching(string watchId);

    /// <summary>Starts to connect if there is no connection. Called when a node starts, so that listeners are ready before the first turn.</summary>
    /// <returns>The current state of the connection.</returns>
    [Alias("Connect"), AlwaysInterleave, Idempotent]
    Task<DiscordSessionHealth> Connect();

    /// <summary>Takes or renews the lease. The connection calls this before every identify.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnavailable"/>: another activation holds the lease until <see cref="ClusterException.Until"/>.
    /// </exception>
    [Alias("Own"), AlwaysInterleave, Idempotent]
    Task TakeLease();
}

/// <summary>Receives the events of a watch.</summary>
[Alias("discord-observer")]
public interface IDiscordObserver : IGrainObserver
{
    /// <summary>Receives events in order, and returns once they are queued.</summary>
    /// <returns>Whether the observer still watches; false ends the watch.</returns>
    [Alias("OnEvents")]
    ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events);
}

/// <summary>What a watch covers.</summary>
/// <param name="Id">Chosen by the caller; a second watch with the same id replaces the first.</param>
/// <param name="ChannelId">Snowflake of the channel or thread.</param>
/// <param name="AuthorId">Snowflake of the user whose messages and typing are watched.</param>
[GenerateSerializer, Immutable, Alias("discord-watch")]
public sealed record DiscordWatch(string Id, string ChannelId, string AuthorId);

/// <summary>The state of a listener's connection.</summary>
/// <param name="State"><c>ready</c>, <c>connecting</c>, <c>waiting</c> or <c>failed</c>.</param>
/// <param name="Reason">Why the connection is not ready, for operators.</param>
/// <param name="Since">When the connection entered this state.</param>
[GenerateSerializer, Immutable, Alias("discord-session-health")]
public sealed record DiscordSessionHealth(string State, string? Reason, DateTimeOffset Since);
