namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>The Discord servers of tenants, and what tenants do with the channels there.</summary>
internal sealed class CdpServers(IFleetView fleet, IGrainFactory grains)
{
    private const string NoServer = "None of this tenant's models has a bot on Discord.";

    /// <summary>Checks the channel that a client has chosen for a turn.</summary>
    /// <returns>See <see cref="TurnRequest.Channel"/>; null if no bot of the model is on Discord: then the channel means nothing.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: the tenant may not use the channel.</exception>
    public async ValueTask<string?> FindChannel(string tenantId, ModelDefinition model, string channelId)
    {
        var servers = DiscordServers.Of(fleet, tenantId, model);
        if (servers.Count == 0) return null;
        foreach (var server in servers.DistinctBy(server => server.GuildId))
        {
            if (await GrainOf(server).MayUse(server.Access, channelId)) return $"{server.GuildId}/{channelId}";
        }
        throw new ClusterException(
            ErrorCode.InvalidRequest, "Invalid 'channelId': the Discord server of the bot has no such channel, or this tenant may not use it.", "channelId");
    }

    /// <summary>Creates a channel in the first server of a tenant that has the parent.</summary>
    public Task<GuildChannel> Create(string tenantId, NewGuildChannel channel) =>
        InFirst(tenantId, error => error.Param is "parentId" or "channelId", server => GrainOf(server).Create(server.Access, channel));

    /// <summary>Deletes a channel in whichever server of a tenant has it.</summary>
    public Task Delete(string tenantId, string channelId) => InFirst(tenantId, error => error.Code == ErrorCode.NotFound, async server =>
    {
        await GrainOf(server).Delete(server.Access, channelId);
        return true;
    });

    /// <summary>Deletes the channels that were created for turns of a tenant.</summary>
    public async Task DeleteTurnChannels(string tenantId)
    {
        foreach (var server in ServersOf(tenantId)) await GrainOf(server).DeleteTurnChannels(server.Access);
    }

    private async Task<T> InFirst<T>(string tenantId, Func<ClusterException, bool> isElsewhere, Func<DiscordServer, Task<T>> act)
    {
        var servers = ServersOf(tenantId).DistinctBy(server => server.GuildId).ToList();
        for (var i = 0; ; i++)
        {
            try
            {
                return await act(servers[i]);
            }
            catch (ClusterException exception) when (i < servers.Count - 1 && isElsewhere(exception))
            {
                // The next server may have it.
            }
        }
    }

    private IReadOnlyList<DiscordServer> ServersOf(string tenantId) =>
        DiscordServers.Of(fleet, tenantId) is { Count: > 0 } servers ? servers : throw new ClusterException(ErrorCode.InvalidRequest, NoServer);

    private IGuildChannelsGrain GrainOf(DiscordServer server) => grains.Grain<IGuildChannelsGrain>(GrainKeys.GuildChannels(server.GuildId));
}
