using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Makes and removes this cluster's channels in one Discord server: what it intends is saved before a channel is made, so that none is left behind. Never touches
/// channels of others. Key: <see cref="GrainKeys.ChannelJanitor"/>.
/// </summary>
[Alias("channel-janitor")]
public interface IChannelJanitorGrain : IGrainWithStringKey
{
    /// <summary>Makes a channel or thread, or returns the owner's that is not released yet.</summary>
    /// <exception cref="ClusterException">The listener may not make channels, or the server is full and nothing of ours could be removed.</exception>
    [Alias("Create"), AlwaysInterleave, Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task<string> Create(DiscordChannelRequest request);

    /// <summary>The channel is no longer used: it is deleted after that time; null: it stays, and is ours no more.</summary>
    [Alias("Release"), AlwaysInterleave, Idempotent]
    Task Release(string channelId, TimeSpan? deleteAfter);

    /// <summary>The channel is used: it is kept for at least that long, and a planned deletion is called off.</summary>
    [Alias("Keep"), AlwaysInterleave, Idempotent]
    Task Keep(string channelId, TimeSpan lifetime);

    /// <summary>Renames a channel.</summary>
    [Alias("Rename"), Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task Rename(string channelId, string name);

    /// <summary>Deletes a channel at once.</summary>
    [Alias("Delete"), Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task Delete(string channelId);

    /// <summary>The server's channels, categories and active threads.</summary>
    [Alias("List"), Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task<IReadOnlyList<DiscordChannelInfo>> List();

    /// <summary>Deletes what is due, now. Its timer and its reminder do so too; a node asks when it starts, so that what a crash left does not wait for either.</summary>
    [Alias("Sweep"), AlwaysInterleave, Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task Sweep();
}
