namespace CozeCluster;

/// <summary>A Discord server that bots of a tenant use.</summary>
/// <param name="GuildId">Snowflake.</param>
/// <param name="Access">What the tenant may do there, through one of its listeners.</param>
public sealed record DiscordServer(string GuildId, GuildAccess Access);

/// <summary>Finds the Discord servers of tenants: those of the listeners of the bots that are behind their models.</summary>
public static class DiscordServers
{
    // Options of Discord bots that name a listener, and channels and categories.
    private const string ListenerOption = "listener";
    private static readonly string[] ChannelOptions = ["channel_id", "category_id"];

    /// <summary>The servers of a tenant, one entry for each listener, in the order of the tenant's models.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="model">Only the servers of bots behind this model, as <see cref="IFleetView.FindModel"/> finds it; null: those of all models.</param>
    public static IReadOnlyList<DiscordServer> Of(IFleetView fleet, string tenantId, ModelDefinition? model = null)
    {
        var outline = fleet.Outline;
        var bots = outline.Models.Where(offered => offered.IsOfferedTo(tenantId)).SelectMany(offered => BotsOf(fleet, offered)).ToList();
        var listeners = ListenersOf(fleet, model is null ? bots : BotsOf(fleet, model)).ToList();
        if (listeners.Count == 0) return [];
        var guildsOfOthers = outline.Models
            .Where(offered => offered.Tenants.Count == 0 ? outline.Tenants.Count > 1 : offered.Tenants.Any(other => other != tenantId))
            .SelectMany(offered => ListenersOf(fleet, BotsOf(fleet, offered)))
            .Select(listener => listener.GuildId)
            .ToHashSet();
        string[] channels = [.. bots.SelectMany(bot => ChannelOptions.Select(option => bot.Options.GetValueOrDefault(option))).OfType<string>().Distinct()];
        return
        [
            .. listeners.Select(listener =>
                new DiscordServer(listener.GuildId, new GuildAccess(tenantId, listener.Id, guildsOfOthers.Contains(listener.GuildId), channels))),
        ];
    }

    private static IEnumerable<BotDefinition> BotsOf(IFleetView fleet, ModelDefinition model) =>
        model.Bots.Concat(model.Fallback).Select(fleet.FindBot).OfType<BotDefinition>().Where(bot => bot.Upstream == UpstreamNames.Discord);

    private static IEnumerable<ListenerDefinition> ListenersOf(IFleetView fleet, IEnumerable<BotDefinition> bots) => bots
        .Select(bot => bot.Options.GetValueOrDefault(ListenerOption))
        .OfType<string>()
        .Distinct()
        .Select(fleet.FindListener)
        .OfType<ListenerDefinition>();
}
