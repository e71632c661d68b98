using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of a pool.</summary>
public sealed class ModelPoolState
{
    /// <summary>The bot that was picked last. The next pick starts after it.</summary>
    public string? Last { get; set; }
}

/// <summary>Picks the bots of a model in round-robin order. Skips a bot that refused a turn until the refusal ends, but for ten seconds at most.</summary>
[GrainType("model-pool"), ActivationCountBasedPlacement]
public sealed class ModelPoolGrain([PersistentState("model-pool")] IPersistentState<ModelPoolState> state, IFleetView fleet, TimeProvider time)
    : Grain, IModelPoolGrain
{
    /// <summary>
    /// The bot itself learns first that its refusal is obsolete, for example because the fleet has a new credential. So the pool asks it again soon.
    /// </summary>
    private static readonly TimeSpan MaxSkipTime = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, (Refusal Refusal, DateTimeOffset SkipUntil)> _refusals = [];

    /// <inheritdoc />
    public async Task<PickResult> Pick(string tenantId, string model, PickRequest request)
    {
        var definition = await fleet.FindCurrent(view => view.FindModel(tenantId, model))
            ?? throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", "model");
        return Choose(definition, request);
    }

    /// <summary>The position in the round is saved only here. After a crash the round starts again, which is harmless.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (state.State.Last is not null) await state.WriteStateAsync(cancellationToken);
    }

    private PickResult Choose(ModelDefinition definition, PickRequest request)
    {
        foreach (var refusal in request.Refused)
        {
            if (refusal.Until is { } until) _refusals[refusal.Id] = (refusal, Earlier(until, time.GetUtcNow() + MaxSkipTime));
        }
        var bots = TakingCredential(Serving(definition.Bots, request), request);
        var fallback = Serving(definition.Fallback, request);
        if (request.Preferred is { } preferred && IsPreferable(preferred, bots, fallback) && IsAvailable(preferred, request)) return Picked(preferred);

        var start = state.State.Last is { } last ? IndexOf(bots, last) + 1 : 0;
        for (var i = 0; i < bots.Count; i++)
        {
            var bot = bots[(start + i) % bots.Count];
            if (!IsAvailable(bot, request)) continue;
            state.State.Last = bot;
            return Picked(bot);
        }
        foreach (var bot in fallback)
        {
            if (IsAvailable(bot, request)) return Picked(bot);
        }
        return new PickResult(null, NoBotError([.. bots, .. fallback], request));
    }

    private IReadOnlyList<string> Serving(IReadOnlyList<string> bots, PickRequest request) =>
        request.LanguageModelsOnly ? [.. bots.Where(IsLanguageModel)] : bots;

    /// <summary>The bots that take the credential of the request; all of them if none does.</summary>
    private IReadOnlyList<string> TakingCredential(IReadOnlyList<string> bots, PickRequest request)
    {
        if (request.CredentialUpstream is not { } upstream) return bots;
        List<string> taking = [.. bots.Where(bot => fleet.FindBot(bot) is { } found && fleet.TakesCredential(found, upstream))];
        return taking.Count > 0 ? taking : bots;
    }

    private bool IsLanguageModel(string bot) => UpstreamNames.IsLanguageModel(fleet.FindBot(bot)?.Upstream);

    /// <summary>A language model keeps no conversation, so a conversation that had to use one of the fallback returns to the bots before it.</summary>
    private bool IsPreferable(string bot, IReadOnlyList<string> bots, IReadOnlyList<string> fallback) =>
        IndexOf(bots, bot) >= 0 || (IndexOf(fallback, bot) >= 0 && !IsLanguageModel(bot));

    private bool IsAvailable(string bot, PickRequest request)
    {
        if (request.Refused.Any(refusal => refusal.Id == bot)) return false;
        if (fleet.FindBot(bot) is { } found && (found.Task != request.Task || !fleet.HasAccount(found, request.CredentialUpstream))) return false;
        if (!_refusals.TryGetValue(bot, out var known)) return true;
        if (known.SkipUntil > time.GetUtcNow()) return false;
        _refusals.Remove(bot);
        return true;
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private PickResult Picked(string bot) => new(bot, null, fleet.FindBot(bot)?.Upstream);

    private Error NoBotError(IReadOnlyList<string> bots, PickRequest request)
    {
        var refusals = request.Refused.Concat(_refusals.Values.Select(known => known.Refusal)).Where(refusal => IndexOf(bots, refusal.Id) >= 0).ToList();
        var until = refusals.Min(refusal => refusal.Until);
        var why = refusals.Count > 0 ? " " + refusals[0].Error.Message : "";
        // If all bots refuse for one reason, the client has to know it: being out of credit differs from being busy.
        var code = refusals.Count > 0 && refusals.TrueForAll(refusal => refusal.Error.Code == refusals[0].Error.Code)
            ? refusals[0].Error.Code
            : ErrorCode.NoBotAvailable;
        return new Error(code, $"None of the {bots.Count} bots behind this model is available now.{why}", Until: until);
    }

    private static int IndexOf(IReadOnlyList<string> bots, string bot)
    {
        for (var i = 0; i < bots.Count; i++)
        {
            if (bots[i] == bot) return i;
        }
        return -1;
    }
}
