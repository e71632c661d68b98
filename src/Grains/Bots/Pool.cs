namespace CozeCluster.Grains;

/// <summary>
/// Decides which bot of a model is next. A decision changes nothing but the state of the random numbers that the caller passes, so it can be explained; the
/// caller records it with <see cref="PoolTier.Take"/>.
/// </summary>
internal sealed class Pool
{
    /// <summary>
    /// The bot itself learns first that its refusal is obsolete, for example because the fleet has a new credential. So the pool asks it again soon.
    /// </summary>
    private static readonly TimeSpan MaxSkipTime = TimeSpan.FromSeconds(10);

    /// <summary>How many bots of the tiers a turn asks. In a pool of thousands, one turn must not call them all.</summary>
    private const int MaxRefusals = 100;

    private readonly ModelDefinition _definition;
    private readonly IFleetView _fleet;
    private readonly TimeProvider _time;
    private readonly List<PoolTier> _tiers = [];
    private readonly HashSet<string> _fallback;
    private readonly Dictionary<string, (Refusal Refusal, DateTimeOffset SkipUntil)> _refusals;
    private (long FleetVersion, string? Upstream, bool Any) _takers;

    /// <param name="definition">The model.</param>
    /// <param name="fleet">The fleet.</param>
    /// <param name="loads">The loads of bots.</param>
    /// <param name="time">The clock.</param>
    /// <param name="before">The pool that this one replaces, because the model has changed; null: none.</param>
    /// <param name="random">The state of the random numbers.</param>
    public Pool(ModelDefinition definition, IFleetView fleet, BotLoads loads, TimeProvider time, Pool? before, ref ulong random)
    {
        (_definition, _fleet, _time) = (definition, fleet, time);
        _refusals = before?._refusals ?? [];
        _fallback = [.. definition.Fallback];
        var shares = (definition.Shares ?? []).ToDictionary(share => share.BotId);
        foreach (var group in definition.Bots.GroupBy(bot => shares.GetValueOrDefault(bot)?.Priority ?? 1).OrderBy(group => group.Key))
        {
            List<string> bots = [.. group];
            PoolTier tier = definition.Routing switch
            {
                RoutingStrategy.Weighted => new WeightedTier(
                    group.Key, bots, [.. bots.Select(bot => shares.GetValueOrDefault(bot)?.Weight ?? 1)], ref random),
                RoutingStrategy.LeastBusy => new LeastBusyTier(group.Key, bots, loads),
                RoutingStrategy.Random => new RandomTier(group.Key, bots),
                _ => new RoundRobinTier(group.Key, bots),
            };
            if (tier is WeightedTier weighted && before?._tiers.Find(known => known.Priority == group.Key) is WeightedTier known) weighted.Continue(known);
            _tiers.Add(tier);
        }
    }

    /// <summary>Whether this is the pool of a model as it is defined now.</summary>
    public bool IsOf(ModelDefinition definition) => ReferenceEquals(_definition, definition);

    /// <summary>Where tiers in turn begin: after a bot, or else at a place of their own.</summary>
    public void StartAfter(string? bot, uint place)
    {
        foreach (var tier in _tiers.OfType<RoundRobinTier>())
        {
            if (bot is not null && tier.Contains(bot)) tier.ContinueAfter(bot);
            // All tenants would begin with the same bots, and with thousands of bots reach the last ones late.
            else if (tier.Bots.Count > PoolTier.MaxCompared) tier.Next = (int)(place % (uint)tier.Bots.Count);
        }
    }

    /// <summary>Remembers bots that refused a turn until their refusals end.</summary>
    public void Remember(IReadOnlyList<Refusal> refused)
    {
        foreach (var refusal in refused)
        {
            if (refusal.Until is not { } until) continue;
            var latest = _time.GetUtcNow() + MaxSkipTime;
            _refusals[refusal.Id] = (refusal, until < latest ? until : latest);
        }
    }

    /// <summary>Chooses a bot for a turn.</summary>
    /// <param name="request">The turn.</param>
    /// <param name="refused">The bots that have refused it.</param>
    /// <param name="random">The state of the random numbers.</param>
    /// <returns>The bot, null if none is available; and its tier if it was picked by its turn.</returns>
    public (string? Bot, PoolTier? Tier) Choose(PickRequest request, IReadOnlyList<Refusal> refused, ref ulong random)
    {
        if (request.Preferred is { } preferred && IsPreferable(preferred) && IsAvailable(preferred)) return (preferred, null);
        foreach (var tier in refused.Count < MaxRefusals ? _tiers : [])
        {
            if (tier.Find(IsAvailable, ref random) is { } bot) return (bot, tier);
        }
        foreach (var bot in _definition.Fallback)
        {
            if (IsAvailable(bot)) return (bot, null);
        }
        return (null, null);

        bool IsAvailable(string bot) => Judge(bot, request, refused).Verdict == RouteVerdict.Available;
    }

    /// <summary>What would happen to a bot that is considered for a turn.</summary>
    public (RouteVerdict Verdict, Refusal? Refusal) Judge(string bot, PickRequest request, IReadOnlyList<Refusal> refused)
    {
        for (var i = 0; i < refused.Count; i++)
        {
            if (refused[i].Id == bot) return (RouteVerdict.Refused, refused[i]);
        }
        if (!CanServe(bot, request)) return (RouteVerdict.Unsuitable, null);
        if (!_refusals.TryGetValue(bot, out var known)) return (RouteVerdict.Available, null);
        if (known.SkipUntil > _time.GetUtcNow()) return (RouteVerdict.Skipped, known.Refusal);
        _refusals.Remove(bot);
        return (RouteVerdict.Available, null);
    }

    /// <summary>Judges all bots, with their tiers, up to <see cref="PoolExplanation.MaxBots"/>.</summary>
    /// <param name="request">The turn.</param>
    /// <param name="refused">The bots that have refused it.</param>
    /// <param name="chosen">The bot that was chosen.</param>
    public IReadOnlyList<RouteBot> JudgeAll(PickRequest request, IReadOnlyList<Refusal> refused, string? chosen)
    {
        var bots = _tiers.SelectMany(tier => tier.Bots.Select(bot => (Bot: bot, Tier: tier.Priority)))
            .Concat(_definition.Fallback.Select(bot => (Bot: bot, Tier: 0)));
        return [.. bots.Take(PoolExplanation.MaxBots).Select(item =>
        {
            var (verdict, refusal) = Judge(item.Bot, request, refused);
            return new RouteBot(item.Bot, item.Tier, item.Bot == chosen ? RouteVerdict.Chosen : verdict, refusal);
        })];
    }

    /// <summary>The error of a turn for which no bot is left.</summary>
    public Error NoBotError(PickRequest request, IReadOnlyList<Refusal> refused)
    {
        var isFiltered = request.LanguageModelsOnly || request.CredentialUpstream is not null;
        var count = isFiltered
            ? _definition.Bots.Concat(_definition.Fallback).Count(bot => Serves(bot, request))
            : _definition.Bots.Count + _definition.Fallback.Count;
        var refusals = refused.Concat(_refusals.Values.Select(entry => entry.Refusal))
            .Where(refusal => (IsInTier(refusal.Id) || _fallback.Contains(refusal.Id)) && Serves(refusal.Id, request))
            .ToList();
        var until = refusals.Min(refusal => refusal.Until);
        var why = refusals.Count > 0 ? " " + refusals[0].Error.Message : "";
        // If all bots refuse for one reason, the client has to know it: being out of credit differs from being busy.
        var code = refusals.Count > 0 && refusals.TrueForAll(refusal => refusal.Error.Code == refusals[0].Error.Code)
            ? refusals[0].Error.Code
            : ErrorCode.NoBotAvailable;
        return new Error(code, $"None of the {count} bots behind this model is available now.{why}", Until: until);
    }

    /// <summary>A language model keeps no conversation, so a conversation that had to use one of the fallback returns to the bots before it.</summary>
    private bool IsPreferable(string bot) =>
        IsInTier(bot) || (_fallback.Contains(bot) && !UpstreamNames.IsLanguageModel(_fleet.FindBot(bot)?.Upstream));

    private bool IsInTier(string bot) => _tiers.Exists(tier => tier.Contains(bot));

    private bool CanServe(string bot, PickRequest request) =>
        Serves(bot, request)
        && (_fleet.FindBot(bot) is not { } found || (found.Task == request.Task && _fleet.HasAccount(found, request.CredentialUpstream)));

    /// <summary>Whether a bot counts as one of the model for this turn.</summary>
    private bool Serves(string bot, PickRequest request)
    {
        if (request is { LanguageModelsOnly: false, CredentialUpstream: null }) return true;
        var found = _fleet.FindBot(bot);
        if (request.LanguageModelsOnly && !UpstreamNames.IsLanguageModel(found?.Upstream)) return false;
        if (request.CredentialUpstream is not { } upstream || !AnyTakes(upstream, request.LanguageModelsOnly) || _fallback.Contains(bot)) return true;
        return found is not null && _fleet.TakesCredential(found, upstream);
    }

    /// <summary>Whether any of the bots takes the credential of requests. Otherwise all of them are used.</summary>
    private bool AnyTakes(string upstream, bool languageModelsOnly)
    {
        if (_takers.Upstream == upstream && _takers.FleetVersion == _fleet.Version) return _takers.Any;
        // Only language models take credentials, so it does not matter whether only these can serve the turn.
        var any = _definition.Bots.Any(bot => _fleet.FindBot(bot) is { } found && _fleet.TakesCredential(found, upstream));
        _takers = (_fleet.Version, upstream, any);
        return any;
    }
}
