using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of a pool.</summary>
public sealed class ModelPoolState
{
    /// <summary>The bot that was picked last. A pool that picks in turn continues after it.</summary>
    public string? Last { get; set; }
}

/// <summary>Picks the bots of a model. Skips a bot that refused a turn until the refusal ends, but for ten seconds at most.</summary>
[GrainType("model-pool"), ActivationCountBasedPlacement]
public sealed class ModelPoolGrain : Grain, IModelPoolGrain
{
    private readonly IPersistentState<ModelPoolState> _state;
    private readonly IFleetView _fleet;
    private readonly TimeProvider _time;
    private readonly BotLoads _loads;
    private Pool? _pool;
    private ulong _random = (ulong)System.Random.Shared.NextInt64();

    /// <summary>Called by Orleans.</summary>
    public ModelPoolGrain(
        [PersistentState("model-pool")] IPersistentState<ModelPoolState> state, IFleetView fleet, BotLoads loads, TimeProvider time) =>
        (_state, _fleet, _loads, _time) = (state, fleet, loads, time);

    /// <inheritdoc />
    public async Task<PickResult> Pick(string tenantId, string model, PickRequest request)
    {
        var pool = await FindPool(tenantId, model);
        pool.Remember(request.Refused);
        var (bot, tier) = pool.Choose(request, request.Refused, ref _random);
        if (bot is null) return new PickResult(null, pool.NoBotError(request, request.Refused));
        if (tier is not null)
        {
            tier.Take(bot);
            _state.State.Last = bot;
        }
        return Picked(bot);
    }

    /// <inheritdoc />
    public async Task<PoolExplanation> Explain(string tenantId, string model, PickRequest request)
    {
        var pool = await FindPool(tenantId, model);
        var random = _random;
        var refused = request.Refused;
        // Every pick draws random numbers, so those before the last one are made again.
        for (var count = 0; count < refused.Count; count++) pool.Choose(request, [.. refused.Take(count)], ref random);
        var (bot, _) = pool.Choose(request, refused, ref random);
        var pick = bot is null ? new PickResult(null, pool.NoBotError(request, refused)) : Picked(bot);
        return new PoolExplanation(pick, pool.JudgeAll(request, refused, bot));
    }

    /// <summary>The position in the round is saved only here. After a crash the round starts again, which is harmless.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_state.State.Last is not null) await _state.WriteStateAsync(cancellationToken);
    }

    private async ValueTask<Pool> FindPool(string tenantId, string model)
    {
        var definition = await _fleet.FindCurrent(view => view.FindModel(tenantId, model))
            ?? throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", "model");
        if (_pool?.IsOf(definition) == true) return _pool;
        _pool = new Pool(definition, _fleet, _loads, _time, _pool, ref _random);
        _pool.StartAfter(_state.State.Last, this.GetGrainId().GetUniformHashCode());
        return _pool;
    }

    private PickResult Picked(string bot) => new(bot, null, _fleet.FindBot(bot)?.Upstream);
}
