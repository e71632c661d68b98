using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>What a pool stores.</summary>
public sealed class ModelPoolState
{
    /// <summary>The bot picked last; the next pick begins behind it.</summary>
    public string? Last { get; set; }
}

/// <summary>Round robin over the bots of a model. Bots that refused a turn are skipped until they said they would be fit again, or for ten seconds.</summary>
[GrainType("model-pool"), ActivationCountBasedPlacement]
public sealed class ModelPoolGrain([PersistentState("model-pool")] IPersistentState<ModelPoolState> state, TimeProvider time) : Grain, IModelPoolGrain
{
    /// <summary>How long a refusal is believed at most: whoever refuses is the first to know that the fleet has changed, a new credential for instance.</summary>
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, (Refusal Refusal, DateTimeOffset AskAgain)> _refusals = [];
    private Declared<IReadOnlyList<PooledBot>>? _bots;

    /// <inheritdoc />
    public async Task<PickResult> Pick(string tenantId, string model, PickRequest request)
    {
        _bots ??= new(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindPool(tenantId, model));
        var bots = await _bots.Get()
            ?? throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", "model");

        foreach (var refusal in request.Refused)
        {
            if (refusal.Until is { } until) _refusals[refusal.Id] = (refusal, Earlier(until, time.GetUtcNow() + Believed));
        }
        if (request.Preferred is { } preferred && IndexOf(bots, preferred) is >= 0 and var home && IsFit(preferred, request)) return Picked(bots[home]);

        var start = state.State.Last is { } last ? IndexOf(bots, last) + 1 : 0;
        for (var i = 0; i < bots.Count; i++)
        {
            var bot = bots[(start + i) % bots.Count];
            if (!IsFit(bot.Id, request)) continue;
            state.State.Last = bot.Id;
            return Picked(bot);
        }
        return new PickResult(null, WhyNone(bots, request));
    }

    /// <summary>The cursor is saved once, when the pool is put away; after a crash the round begins anew, which harms nobody.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (state.State.Last is not null) await state.WriteStateAsync(cancellationToken);
    }

    private bool IsFit(string bot, PickRequest request)
    {
        if (request.Refused.Any(refusal => refusal.Id == bot)) return false;
        if (!_refusals.TryGetValue(bot, out var known)) return true;
        if (known.AskAgain > time.GetUtcNow()) return false;
        _refusals.Remove(bot);
        return true;
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static PickResult Picked(PooledBot bot) => new(bot.Id, null, bot.Upstream);

    private Error WhyNone(IReadOnlyList<PooledBot> bots, PickRequest request)
    {
        var known = request.Refused.Concat(_refusals.Values.Select(known => known.Refusal)).Where(refusal => IndexOf(bots, refusal.Id) >= 0).ToList();
        var until = known.Min(refusal => refusal.Until);
        var why = known.Count > 0 ? " " + known[0].Error.Message : "";
        // Where all refuse for one reason, that is what the client has to know: out of credit is not the same as busy.
        var code = known.Count > 0 && known.TrueForAll(refusal => refusal.Error.Code == known[0].Error.Code) ? known[0].Error.Code : ErrorCode.NoBotAvailable;
        return new Error(code, $"None of the {bots.Count} bots behind this model can take a turn now.{why}", Until: until);
    }

    private static int IndexOf(IReadOnlyList<PooledBot> bots, string bot)
    {
        for (var i = 0; i < bots.Count; i++)
        {
            if (bots[i].Id == bot) return i;
        }
        return -1;
    }
}
