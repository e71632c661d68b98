namespace CozeCluster;

/// <summary>Lookups that need more than one entry of the fleet, or that follow an id from another process.</summary>
public static class FleetViewExtensions
{
    /// <summary>
    /// Looks something up in the fleet. If it is not found, the view is refreshed once: the process that named it may have received a change of the fleet
    /// before this one.
    /// </summary>
    /// <param name="fleet">The view.</param>
    /// <param name="find">The lookup. It may be called twice.</param>
    /// <returns>What was found; null if the fleet does not have it.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: it was not found, and the catalog does not answer.</exception>
    public static async ValueTask<T?> FindCurrent<T>(this IFleetView fleet, Func<IFleetView, T?> find)
        where T : class
    {
        if (find(fleet) is { } found) return found;
        await fleet.Refresh();
        return find(fleet);
    }

    /// <summary>Whether a language model is behind a model, among its bots or its fallback. False for an unknown model.</summary>
    public static bool HasLanguageModel(this IFleetView fleet, string tenantId, string model) =>
        fleet.FindModel(tenantId, model) is { } found && fleet.HasLanguageModel(found);

    /// <summary>Whether a language model is behind a model, among its bots or its fallback.</summary>
    public static bool HasLanguageModel(this IFleetView fleet, ModelDefinition model) =>
        model.Bots.Concat(model.Fallback).Any(bot => UpstreamNames.IsLanguageModel(fleet.FindBot(bot)?.Upstream));

    /// <summary>Whether a bot with this task is behind a model, among its bots or its fallback.</summary>
    public static bool HasTask(this IFleetView fleet, ModelDefinition model, ModelTask task) =>
        model.Bots.Concat(model.Fallback).Any(bot => fleet.FindBot(bot)?.Task == task);

    /// <summary>Whether a bot has an account that takes a credential for this upstream from requests.</summary>
    public static bool TakesCredential(this IFleetView fleet, BotDefinition bot, string? upstream) =>
        bot.Upstream == upstream && bot.Accounts.Any(account => fleet.FindAccount(account)?.CredentialFromRequest == true);

    /// <summary>Whether a bot has an account for a request with a credential for this upstream, or without one (null).</summary>
    public static bool HasAccount(this IFleetView fleet, BotDefinition bot, string? credentialUpstream) =>
        bot.Accounts.Any(account => fleet.FindAccount(account)?.CredentialFromRequest != true) || fleet.TakesCredential(bot, credentialUpstream);

    /// <summary>Whether a bot or one of its accounts has limits per minute or budgets.</summary>
    public static bool HasLeaseLimits(this IFleetView fleet, string botId) =>
        fleet.FindBot(botId) is { } bot && (bot.Limits is not null || bot.Accounts.Any(account => fleet.FindAccount(account)?.Limits is not null));

    /// <summary>Finds the limits of an API key by its tenant and its name; null if it has none.</summary>
    public static LimitsDefinition? FindKeyLimits(this IFleetView fleet, string tenantId, string keyName) =>
        fleet.FindKeyByName(tenantId, keyName)?.Limits;

    /// <summary>Whether a tenant or one of its keys has limits, so that its turns begin with <see cref="IConversationGrain.Start"/>.</summary>
    public static bool HasLimits(this IFleetView fleet, string tenantId, string? keyName) =>
        fleet.FindTenant(tenantId) is { Limits: not null } or { Prepaid: true } || (keyName is not null && fleet.FindKeyLimits(tenantId, keyName) is not null);
}
