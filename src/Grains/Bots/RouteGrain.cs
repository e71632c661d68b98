using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Explains requests. It decides nothing itself: it asks in the order in which a request asks.</summary>
[GrainType("route"), StatelessWorker]
public sealed class RouteGrain(IFleetView fleet, ConversationOptions options, TimeProvider time) : Grain, IRouteGrain
{
    /// <inheritdoc />
    public async Task<RouteExplanation> Explain(RouteQuestion question)
    {
        var checks = new List<RouteCheck>();
        if (Add(RouteCheckKind.Key, await CheckKey(question)) is { } keyError) return new RouteExplanation { Checks = checks, Error = keyError };

        var (model, definition) = FindModel(question);
        var answer = new RouteExplanation { Checks = checks, Model = model };
        if (Add(RouteCheckKind.Model, CheckModel(question, definition)) is { } modelError) return answer with { Error = modelError };

        var place = await FindPlace(question);
        var input = question.InputTokens + (place?.Tokens ?? 0);
        var output = TurnEstimate.OutputOf(question.MaxOutputTokens, fleet.HasLanguageModel(question.TenantId, definition!.Id));
        var amounts = TurnCost.Reserve(input, output, definition.Price);
        answer = answer with { ConversationBot = place?.BotId, MaxAttempts = TurnRunner.MaxAttempts(options, definition) };
        var terms = new TurnTerms($"explain_{Guid.NewGuid():n}", question.KeyName, question.InputTokens + output);
        var limits = Add(RouteCheckKind.Limits, (await GrainFactory.Grain<ITenantGrain>(question.TenantId).Explain(terms)).Refusal);
        // Both are checked at the same time, and a budget that is used up is the error that the client gets.
        if ((Add(RouteCheckKind.Budgets, await CheckBudgets(question, amounts)) ?? limits) is { } error) return answer with { Error = error };
        return await FindBot(answer, question, definition.Id, place, amounts);

        Error? Add(RouteCheckKind kind, Error? refusal)
        {
            checks.Add(new RouteCheck(kind, refusal));
            return refusal;
        }
    }

    private async ValueTask<Error?> CheckKey(RouteQuestion question)
    {
        if (await fleet.FindCurrent(view => view.FindTenant(question.TenantId)) is null)
            return new Error(ErrorCode.PermissionDenied, "This tenant no longer exists.");
        if (question.KeyName is null) return null;
        return fleet.FindKeyByName(question.TenantId, question.KeyName) is { } key
            ? key.FindProblem(time.GetUtcNow()) ?? (key.Admin ? ApiKeyInfo.AdminOnly : null)
            : ApiKeyInfo.Unknown;
    }

    private (RouteModel Model, ModelDefinition? Definition) FindModel(RouteQuestion question)
    {
        var name = question.Model;
        if (fleet.FindModel(question.TenantId, name) is not { } found || !MayUse(question, found))
            return (new RouteModel(null, ModelMatch.None, default), null);
        var aliases = fleet.FindTenant(question.TenantId)?.Aliases ?? [];
        var match = fleet.Outline.Models.Any(model => model.Id == name) && found.Id == name ? ModelMatch.Model
            : aliases.Any(alias => alias.Name == name && alias.Model == found.Id) ? ModelMatch.Alias
            : fleet.Outline.Models.Any(model => model.Id == found.Id) ? ModelMatch.Pattern
            : ModelMatch.Bot;
        return (new RouteModel(found.Id, match, found.Routing), found);
    }

    private bool MayUse(RouteQuestion question, ModelDefinition model) =>
        question.KeyName is null || fleet.FindKeyByName(question.TenantId, question.KeyName) is { } key && key.MayUse(model.Id);

    private Error? CheckModel(RouteQuestion question, ModelDefinition? definition)
    {
        if (definition is null)
            return new Error(ErrorCode.ModelNotFound, $"The model '{question.Model}' does not exist or you do not have access to it.", "model");
        return fleet.HasTask(definition, ModelTask.Chat)
            ? null
            : new Error(ErrorCode.InvalidRequest, $"The model '{definition.Id}' answers no prompts. Use another model.", "model");
    }

    private async Task<ConversationPlace?> FindPlace(RouteQuestion question)
    {
        if (question.ConversationName is not { } name) return null;
        return await GrainFactory.Grain<IConversationGrain>(fleet.Ids.KeyOf(question.TenantId, name)).FindPlace(question.TenantId);
    }

    /// <summary>
    /// Which budget is used up. Before a turn is refused, everything that shards hold and do not use is taken back, so only what is used counts.
    /// </summary>
    private async Task<Error?> CheckBudgets(RouteQuestion question, Amounts needed)
    {
        if (!BudgetRules.IsCharged(fleet, question.TenantId, question.KeyName)) return null;
        var limits = BudgetRules.LimitsOf(fleet, question.TenantId, question.KeyName, TurnCharge.DayOf(time.GetUtcNow()));
        foreach (var budget in limits.GroupBy(limit => limit.Slot.KeyName))
        {
            var status = await GrainFactory.Grain<IBudgetGrain>(GrainKeys.Budget(question.TenantId, budget.Key)).GetStatus(question.TenantId, budget.Key);
            List<PeriodAmounts> used = [.. status.Settled, .. status.Reserved, .. status.Unknown];
            foreach (var limit in budget)
            {
                var slot = limit.Slot;
                var most = slot.Period == BudgetPeriod.Ever ? limit.Limit with { Credits = status.Credit } : limit.Limit;
                var left = used.Where(line => line.Period == slot.Period && line.Index == slot.Index).Aggregate(most, (rest, line) => rest - line.Amounts);
                if (!BudgetRules.Fits(needed, left, most)) return BudgetRules.Refusal(limit, needed);
            }
        }
        return null;
    }

    private async Task<RouteExplanation> FindBot(
        RouteExplanation answer, RouteQuestion question, string modelId, ConversationPlace? place, Amounts amounts)
    {
        var pool = GrainFactory.Grain<IModelPoolGrain>(GrainKeys.ModelPool(question.TenantId, modelId));
        var refused = new List<Refusal>();
        var asked = new Dictionary<string, IReadOnlyList<RouteAccount>>();
        while (true)
        {
            var explained = await pool.Explain(question.TenantId, modelId, new PickRequest(place?.BotId, refused)
            {
                LanguageModelsOnly = question.LanguageModelsOnly,
                CredentialUpstream = question.CredentialUpstream,
            });
            answer = answer with
            {
                Bots = [.. explained.Bots.Select(bot => asked.TryGetValue(bot.BotId, out var accounts) ? bot with { Accounts = accounts } : bot)],
            };
            if (explained.Pick.BotId is not { } botId) return answer with { Error = explained.Pick.Error };
            var bot = await GrainFactory.Grain<IBotGrain>(botId).Explain(new LeaseRequest("explain", [], place?.AccountId)
            {
                TenantId = question.TenantId,
                CredentialUpstream = question.CredentialUpstream,
                Amounts = fleet.HasLeaseLimits(botId) ? amounts : null,
            });
            if (bot.AccountId is not null)
            {
                return answer with
                {
                    BotId = botId,
                    AccountId = bot.AccountId,
                    Bots = [.. answer.Bots.Select(item => item.BotId == botId ? item with { Accounts = bot.Accounts } : item)],
                };
            }
            asked[botId] = bot.Accounts;
            refused.Add(bot.Refusal!);
        }
    }
}
