using Orleans.Concurrency;

namespace CozeCluster.Discord;

/// <summary>
/// Creates and deletes this cluster's channels in one Discord server. It saves its intent before it creates a channel, so that a crash leaves no channel
/// behind, and it never changes channels that it did not create, except for <see cref="Rename"/> and <see cref="Delete"/>. Key:
/// <see cref="GrainKeys.ChannelJanitor"/>.
/// </summary>
[Alias("channel-janitor")]
public interface IChannelJanitorGrain : IGrainWithStringKey
{
    /// <summary>Creates a channel or thread, or returns the one that the owner already has and has not released.</summary>
    /// <returns>Snowflake of the channel.</returns>
    /// <exception cref="ClusterException">
    /// The listener may not create channels, or the server is full and holds no released channel of this cluster that could be deleted.
    /// </exception>
    [Alias("Create"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<string> Create(DiscordChannelRequest request);

    /// <summary>Marks a channel as unused. It is deleted after <paramref name="deleteAfter"/>; null: it is kept for ever, and the janitor forgets it.</summary>
    [Alias("Release"), AlwaysInterleave, Idempotent]
    Task Release(string channelId, TimeSpan? deleteAfter);

    /// <summary>Marks a channel as used. It is kept for at least <paramref name="lifetime"/>, and a planned deletion is cancelled.</summary>
    [Alias("Keep"), AlwaysInterleave, Idempotent]
    Task Keep(string channelId, TimeSpan lifetime);

    /// <summary>Renames a channel.</summary>
    [Alias("Rename"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task Rename(string channelId, string name);

    /// <summary>Deletes a channel at once.</summary>
    [Alias("Delete"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task Delete(string channelId);

    /// <summary>Lists the server's channels, categories and active threads.</summary>
    [Alias("List"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<IReadOnlyList<DiscordChannelInfo>> List();

    /// <summary>
    /// Marks all channels that were created for turns of a tenant as due, except those that are in use. This includes channels that are kept permanently.
    /// </summary>
    /// <returns>The number of channels that are being deleted.</returns>
    [Alias("DeleteOf"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<int> DeleteOf(string tenantId);

    /// <summary>
    /// Deletes the channels that are due. The janitor's timer and reminder do so too; a node calls this when it starts, so that channels left by a crash do not
    /// wait for them.
    /// </summary>
    [Alias("Sweep"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task Sweep();
}

/// <summary>A channel to create for a conversation.</summary>
/// <param name="Owner">Identifies the request (the turn id, for example): a second request with the same owner returns the same channel.</param>
/// <param name="Name">1 to 90 characters; the janitor appends a suffix that makes the name unique.</param>
/// <param name="ParentId">Snowflake of the category, or of a thread's channel; null: none.</param>
/// <param name="IsThread">Whether to create a public thread instead of a channel.</param>
/// <param name="Lifetime">How long the channel is kept if the janitor is not called for it again.</param>
/// <param name="Category">
/// Name of the category that the channel belongs in, which is found or created; <paramref name="ParentId"/> is null then. Null: none.
/// </param>
[GenerateSerializer, Immutable, Alias("discord-channel-request")]
public sealed record DiscordChannelRequest(string Owner, string Name, string? ParentId, bool IsThread, TimeSpan Lifetime, string? Category = null)
{
    /// <summary>The tenant whose turns use the channel; null if those of several tenants do.</summary>
    [Id(0)]
    public string? TenantId { get; init; }
}

/// <summary>A channel, category or thread.</summary>
/// <param name="Id">Snowflake.</param>
/// <param name="Name">Its name.</param>
/// <param name="ParentId">Snowflake of the channel's category, or of the thread's channel.</param>
/// <param name="Kind">Discord's channel type: 0 text, 4 category, 11 public thread.</param>
/// <param name="Topic">The channel's topic; null for threads. The janitor writes its mark into the topics of channels that it creates.</param>
[GenerateSerializer, Immutable, Alias("discord-channel-info")]
public sealed record DiscordChannelInfo(string Id, string Name, string? ParentId, int Kind, string? Topic)
{
    /// <summary>
    /// To create a thread: the minutes without a message after which Discord archives it: 60, 1440, 4320 or 10080. Null: one day. Lists do not have it.
    /// </summary>
    [Id(0)]
    public int? ArchiveMinutes { get; init; }
}
