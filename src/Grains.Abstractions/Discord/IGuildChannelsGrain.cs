using System.Text.Json.Serialization;
using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// The channels of one Discord server, as far as tenants may use, create and delete them themselves. It never touches another server. Key:
/// <see cref="GrainKeys.GuildChannels"/>.
/// </summary>
[Alias("guild-channels")]
public interface IGuildChannelsGrain : IGrainWithStringKey
{
    /// <summary>Whether a tenant may send its prompts to a channel or thread. What the grain knows of the server is up to five seconds old.</summary>
    /// <param name="access">The tenant.</param>
    /// <param name="channelId">What the client has sent; any text.</param>
    /// <exception cref="ClusterException">Discord could not be reached, or refuses the listener.</exception>
    [Alias("MayUse"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<bool> MayUse(GuildAccess access, string channelId);

    /// <summary>
    /// Creates a channel, a category or a public thread, which is kept until somebody deletes it. A second call with the same
    /// <see cref="NewGuildChannel.RequestId"/> returns the channel of the first.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the name or the parent is not valid, or the tenant may not use the parent. Otherwise Discord refused it.
    /// </exception>
    [Alias("Create"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<GuildChannel> Create(GuildAccess access, NewGuildChannel channel);

    /// <summary>
    /// Deletes a channel, category or thread at once. Where several tenants use the server, a tenant can delete only what was created for it.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the server has no such channel, or the tenant may not delete it. Otherwise Discord refused it.
    /// </exception>
    [Alias("Delete"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task Delete(GuildAccess access, string channelId);

    /// <summary>
    /// Deletes the channels that this cluster has created for turns of the tenant, except those of turns that run. The deletion continues after this call.
    /// </summary>
    /// <returns>The number of channels that are being deleted.</returns>
    /// <exception cref="ClusterException">Discord could not be reached, or refuses the listener.</exception>
    [Alias("DeleteTurnChannels"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<int> DeleteTurnChannels(GuildAccess access);
}

/// <summary>On whose behalf something is done in a Discord server; see <see cref="DiscordServers"/>.</summary>
/// <param name="TenantId">The tenant. One of its bots uses the listener.</param>
/// <param name="ListenerId">The listener that does it.</param>
/// <param name="IsShared">Whether bots of other tenants use the server too.</param>
/// <param name="Channels">The channels that the options of the tenant's bots name.</param>
[GenerateSerializer, Immutable, Alias("guild-access")]
public sealed record GuildAccess(string TenantId, string ListenerId, bool IsShared, IReadOnlyList<string> Channels);

/// <summary>A channel to create.</summary>
/// <param name="RequestId">Created by the caller.</param>
/// <param name="Kind">What to create.</param>
/// <param name="Name">1 to 100 characters.</param>
/// <param name="ParentId">The category of a channel; null: none. The channel of a thread, which is required.</param>
/// <param name="ArchiveMinutes">Only for a thread: the minutes without a message after which it is archived: 60, 1440, 4320 or 10080.</param>
[GenerateSerializer, Immutable, Alias("new-guild-channel")]
public sealed record NewGuildChannel(string RequestId, GuildChannelKind Kind, string Name, string? ParentId, int? ArchiveMinutes = null);

/// <summary>What can be created in a server. The numbers are Discord's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GuildChannelKind>))]
[GenerateSerializer, Alias("guild-channel-kind")]
public enum GuildChannelKind
{
    /// <summary>A text channel.</summary>
    Text = 0,

    /// <summary>A category.</summary>
    Category = 4,

    /// <summary>A public thread.</summary>
    Thread = 11,
}

/// <summary>A channel, category or thread that was created.</summary>
/// <param name="Id">Snowflake.</param>
/// <param name="Name">Its name as Discord has it.</param>
[GenerateSerializer, Immutable, Alias("guild-channel")]
public sealed record GuildChannel(string Id, string Name);
