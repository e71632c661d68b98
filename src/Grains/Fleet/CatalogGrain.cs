using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of the catalog.</summary>
public sealed class CatalogState
{
    /// <summary>The applied fleet. Its secrets are sealed.</summary>
    public Fleet Fleet { get; set; } = Fleet.Empty;
}

/// <summary>Holds the applied fleet, and an index of it by id.</summary>
[GrainType("catalog"), ActivationCountBasedPlacement]
public sealed partial class CatalogGrain(
    [PersistentState("catalog")] IPersistentState<CatalogState> state, BackgroundWork work, TimeProvider time, ILogger<CatalogGrain> logger)
    : Grain, ICatalogGrain
{
    private readonly StateSaver<CatalogState> _saver = new(state, work);
    private CatalogIndex _index = new(Fleet.Empty);

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _index = new CatalogIndex(state.State.Fleet);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => work.StopAsync();

    /// <inheritdoc />
    public async Task Import(Fleet fleet)
    {
        if (fleet.Version != state.State.Fleet.Version)
        {
            fleet = fleet with { Models = SetMissingDates(fleet.Models) };
            var before = state.State;
            state.State = new CatalogState { Fleet = fleet };
            try
            {
                await _saver.Save();
            }
            catch
            {
                // The fleet is not applied, so the next import of the same version must not be ignored.
                state.State = before;
                throw;
            }
            _index = new CatalogIndex(fleet);
        }
        // Also if the version was already applied: its first import may have failed before this.
        work.Run(ScheduleKeepActive);
    }

    /// <inheritdoc />
    public Task<FleetOutline> Outline() => Task.FromResult(_index.Outline);

    /// <inheritdoc />
    public Task<ApiKeyInfo?> FindKey(string hash) => Task.FromResult(_index.Keys.GetValueOrDefault(hash));

    /// <inheritdoc />
    public Task<TenantDefinition?> FindTenant(string tenantId) => Task.FromResult(_index.Tenants.GetValueOrDefault(tenantId));

    /// <inheritdoc />
    public Task<BotDefinition?> FindBot(string botId) => Task.FromResult(_index.Bots.GetValueOrDefault(botId));

    /// <inheritdoc />
    public Task<AccountDefinition?> FindAccount(string accountId) => Task.FromResult(_index.Accounts.GetValueOrDefault(accountId));

    /// <inheritdoc />
    public Task<ListenerDefinition?> FindListener(string listenerId) => Task.FromResult(_index.Listeners.GetValueOrDefault(listenerId));

    /// <inheritdoc />
    public Task<ModelDefinition?> FindModel(string tenantId, string model) =>
        Task.FromResult(_index.Models.GetValueOrDefault(model) is { } found && IsOffered(found, tenantId) ? found : null);

    /// <inheritdoc />
    public async Task<IReadOnlyList<PooledBot>?> FindPool(string tenantId, string model) =>
        await FindModel(tenantId, model) is { } found ? [.. found.Bots.Select(bot => new PooledBot(bot, _index.Bots.GetValueOrDefault(bot)?.Upstream))] : null;

    /// <inheritdoc />
    public Task<IReadOnlyList<ModelInfo>> ListModels(string tenantId) => Task.FromResult<IReadOnlyList<ModelInfo>>(
        [.. _index.Models.Values.Where(model => IsOffered(model, tenantId)).Select(model => new ModelInfo(model.Id, model.CreatedAt))]);

    /// <summary>A model without a date gets the date of its first import.</summary>
    private List<ModelDefinition> SetMissingDates(IEnumerable<ModelDefinition> models)
    {
        var known = state.State.Fleet.Models.ToDictionary(model => model.Id, model => model.CreatedAt);
        return [.. models.Select(model =>
            model.CreatedAt == default ? model with { CreatedAt = known.GetValueOrDefault(model.Id, time.GetUtcNow()) } : model)];
    }

    private async Task ScheduleKeepActive(CancellationToken stop)
    {
        foreach (var bot in state.State.Fleet.Bots.Where(bot => bot.KeepActive is not null))
        {
            try
            {
                await GrainFactory.Grain<IBotGrain>(bot.Id).KeepActive();
            }
            catch (ClusterException exception)
            {
                LogKeepActiveFailed(logger, exception, bot.Id, exception.Code);
            }
        }
    }

    private static bool IsOffered(ModelDefinition model, string tenantId) => model.Tenants.Count == 0 || model.Tenants.Contains(tenantId);

    private sealed class CatalogIndex(Fleet fleet)
    {
        public Dictionary<string, ApiKeyInfo> Keys { get; } = fleet.Tenants
            .SelectMany(tenant => tenant.Keys.Select(key => (key.Hash, Info: new ApiKeyInfo(tenant.Id, key.Name, key.Admin))))
            .ToDictionary(key => key.Hash, key => key.Info);

        public Dictionary<string, TenantDefinition> Tenants { get; } = fleet.Tenants.ToDictionary(tenant => tenant.Id);
        public Dictionary<string, BotDefinition> Bots { get; } = fleet.Bots.ToDictionary(bot => bot.Id);
        public Dictionary<string, AccountDefinition> Accounts { get; } = fleet.Accounts.ToDictionary(account => account.Id);
        public Dictionary<string, ListenerDefinition> Listeners { get; } = fleet.Listeners.ToDictionary(listener => listener.Id);
        public Dictionary<string, ModelDefinition> Models { get; } = fleet.Models.ToDictionary(model => model.Id);

        public FleetOutline Outline { get; } = new(
            [.. fleet.Bots.Select(bot => bot.Id)],
            [.. fleet.Accounts.Select(account => account.Id)],
            [.. fleet.Listeners.Select(listener => GrainKeys.DiscordSession(listener.Id, listener.HomeShard()))],
            fleet.Notifications);
    }

    [LoggerMessage(1002, LogLevel.Error, "The keep-active schedule of bot {BotId} could not be updated: {Code}")]
    private static partial void LogKeepActiveFailed(ILogger logger, Exception exception, string botId, ErrorCode code);
}
