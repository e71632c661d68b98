using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Fake grains of Discord servers, which record their calls.</summary>
public sealed class FakeGuilds
{
    private int _created;

    /// <summary>The calls, as <c>create 1 acme text mine</c>: what, the server, the tenant, and what else was given.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The channels that exist, as <c>server/channel</c>.</summary>
    public HashSet<string> Channels { get; } = [];

    /// <summary>The exception of every call; null for none.</summary>
    public Exception? Fault { get; set; }

    public IGuildChannelsGrain Of(string guildId) => new FakeGuild(this, guildId);

    private void Record(string what, string guildId, GuildAccess access, string more = "")
    {
        Calls.Enqueue($"{what} {guildId} {access.TenantId}{(access.IsShared ? " shared" : "")} {more}".TrimEnd());
        if (Fault is not null) throw Fault;
    }

    private sealed class FakeGuild(FakeGuilds guilds, string guildId) : IGuildChannelsGrain
    {
        public Task<bool> MayUse(GuildAccess access, string channelId)
        {
            guilds.Record("use", guildId, access, channelId);
            return Task.FromResult(guilds.Channels.Contains($"{guildId}/{channelId}"));
        }

        public Task<GuildChannel> Create(GuildAccess access, NewGuildChannel channel)
        {
            guilds.Record("create", guildId, access, $"{channel.Kind} {channel.Name} {channel.ParentId} {channel.ArchiveMinutes}");
            if (channel.ParentId is { } parent && !guilds.Channels.Contains($"{guildId}/{parent}"))
                throw new ClusterException(ErrorCode.InvalidRequest, "There is no such parent.", "parentId");
            return Task.FromResult(new GuildChannel($"{++guilds._created}", channel.Name.ToLowerInvariant()));
        }

        public Task Delete(GuildAccess access, string channelId)
        {
            guilds.Record("delete", guildId, access, channelId);
            return guilds.Channels.Remove($"{guildId}/{channelId}")
                ? Task.CompletedTask
                : Task.FromException(new ClusterException(ErrorCode.NotFound, "There is no such channel."));
        }

        public Task<int> DeleteTurnChannels(GuildAccess access)
        {
            guilds.Record("delete turns", guildId, access, access.ListenerId);
            return Task.FromResult(0);
        }
    }
}
