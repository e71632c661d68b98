namespace CozeCluster.Grains;

/// <summary>Finds bots that a client names as its model. Immutable.</summary>
internal sealed class FleetModelNames
{
    private readonly IReadOnlyDictionary<string, BotDefinition> _bots;
    private readonly Dictionary<string, List<ModelDefinition>> _modelsOfBot = [];
    private readonly Dictionary<string, List<string>> _botsOfUpstreamId = [];

    /// <param name="models">The models in the fleet's order.</param>
    /// <param name="bots">The bots by id.</param>
    public FleetModelNames(IReadOnlyList<ModelDefinition> models, IReadOnlyDictionary<string, BotDefinition> bots)
    {
        _bots = bots;
        foreach (var model in models)
        {
            foreach (var id in model.Bots.Concat(model.Fallback))
            {
                if (!bots.TryGetValue(id, out var bot)) continue;
                if (_modelsOfBot.TryGetValue(id, out var known)) known.Add(model);
                else
                {
                    _modelsOfBot[id] = [model];
                    if (_botsOfUpstreamId.TryGetValue(bot.UpstreamBotId, out var same)) same.Add(id);
                    else _botsOfUpstreamId[bot.UpstreamBotId] = [id];
                }
            }
        }
    }

    /// <summary>A model with one bot, which a tenant may use through another model.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="name">The id of the bot in the fleet, or at its upstream.</param>
    /// <returns>The model, whose id is that of the bot; null if there is no such bot.</returns>
    public ModelDefinition? FindBot(string tenantId, string name)
    {
        if (Find(tenantId, name) is { } found) return found;
        return _botsOfUpstreamId.TryGetValue(name, out var ids) ? ids.Select(id => Find(tenantId, id)).FirstOrDefault(model => model is not null) : null;
    }

    private ModelDefinition? Find(string tenantId, string botId) =>
        _modelsOfBot.TryGetValue(botId, out var models) && models.Find(model => model.IsOfferedTo(tenantId)) is { } through && _bots.ContainsKey(botId)
            ? through with { Id = botId, Bots = [botId], Fallback = [], Hidden = true }
            : null;
}
