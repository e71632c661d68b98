namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/bots</c>, <c>accounts</c>, <c>listeners</c> and <c>models</c>: what the fleet has, and how it is.</summary>
internal static class AdminFleetApi
{
    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/bots", AdminRole.Viewer, "listBots", "Lists the bots with their health.") { IsList = true }, AdminJson.Default.AdminPageAdminBot,
            static async call => Take(call, await AdminHealthReads.Read(call), call.Fleet.Outline.Bots, FindBot));
        routes.Map(
            new("GET", "/bots/{id}", AdminRole.Viewer, "readBot", "Reads a bot with its health."), AdminJson.Default.AdminBot,
            static async call => FindBot(call, await AdminHealthReads.Read(call), call.Path("id")) ?? throw AdminCall.Unknown("bot"));
        routes.Map(
            new("GET", "/accounts", AdminRole.Viewer, "listAccounts", "Lists the accounts with their health.") { IsList = true },
            AdminJson.Default.AdminPageAdminAccount,
            static async call => Take(call, await AdminHealthReads.Read(call), call.Fleet.Outline.Accounts, FindAccount));
        routes.Map(
            new("GET", "/accounts/{id}", AdminRole.Viewer, "readAccount", "Reads an account with its health."), AdminJson.Default.AdminAccount,
            static async call => FindAccount(call, await AdminHealthReads.Read(call), call.Path("id")) ?? throw AdminCall.Unknown("account"));
        routes.Map(
            new("GET", "/listeners", AdminRole.Viewer, "listListeners", "Lists the Discord listeners with their health.") { IsList = true },
            AdminJson.Default.AdminPageAdminListener,
            static async call => Take(call, await AdminHealthReads.Read(call), call.Fleet.Outline.Listeners.Select(GrainKeys.ListenerOf), FindListener));
        routes.Map(
            new("GET", "/models", AdminRole.Viewer, "listAllModels", "Lists the models with the bots behind them.") { TenantAdmins = true, IsList = true },
            AdminJson.Default.AdminPageAdminModel, static call => Task.FromResult(ListModels(call)));
        routes.Map(
            new("GET", "/models/{**id}", AdminRole.Viewer, "inspectModel", "Reads a model with the bots behind it.") { TenantAdmins = true },
            AdminJson.Default.AdminModel, static call => Task.FromResult(ReadModel(call)));
    }

    private static AdminPage<T> Take<T>(
        AdminCall call, AdminHealthReads health, IEnumerable<string> ids, Func<AdminCall, AdminHealthReads, string, T?> find) where T : class =>
        AdminPages.Take(call, ids, id => find(call, health, id));

    private static AdminBot? FindBot(AdminCall call, AdminHealthReads health, string id) => call.Fleet.FindBot(id) is not { } bot ? null : new(
        bot.Id, bot.Upstream, bot.UpstreamBotId, bot.Accounts, bot.MaxConcurrentTurns, WireName.Of(bot.Task),
        [.. call.Fleet.Outline.Models.Where(model => model.Bots.Contains(id) || model.Fallback.Contains(id)).Select(model => model.Id)],
        health.Find(HealthKind.Bot, id));

    private static AdminAccount? FindAccount(AdminCall call, AdminHealthReads health, string id)
    {
        if (call.Fleet.FindAccount(id) is not { } account) return null;
        var credential = account.CredentialFromRequest ? "request" : account.OAuth is null ? "token" : "oauth";
        return new AdminAccount(
            account.Id, account.Upstream, account.BaseUrl, credential, account.Proxy is not null, account.MaxConcurrentTurns,
            [.. call.Fleet.Outline.Bots.Where(bot => call.Fleet.FindBot(bot)?.Accounts.Contains(id) == true).Order(StringComparer.Ordinal)],
            health.Find(HealthKind.Account, id));
    }

    private static AdminListener? FindListener(AdminCall call, AdminHealthReads health, string id) =>
        call.Fleet.FindListener(id) is not { } listener ? null : new(
            listener.Id, listener.BaseUrl, listener.GuildId, listener.Shards, listener.Proxy is not null,
            health.Find(HealthKind.Listener, GrainKeys.DiscordSession(listener.Id, listener.HomeShard())));

    private static AdminPage<AdminModel> ListModels(AdminCall call)
    {
        var models = Visible(call).DistinctBy(model => model.Id).ToDictionary(model => model.Id);
        return AdminPages.Take(call, models.Keys, id => Convert(call, models[id]));
    }

    private static AdminModel ReadModel(AdminCall call)
    {
        var id = call.Path("id");
        return Visible(call).FirstOrDefault(model => model.Id == id) is { } found ? Convert(call, found) : throw AdminCall.Unknown("model");
    }

    private static IEnumerable<ModelDefinition> Visible(AdminCall call) =>
        call.Fleet.Outline.Models.Where(model => call.OnlyTenant is not { } only || model.IsOfferedTo(only));

    private static AdminModel Convert(AdminCall call, ModelDefinition model)
    {
        var isTenantAdmin = call.OnlyTenant is not null;
        return new AdminModel(
            model.Id, model.CreatedAt.UtcDateTime, model.Hidden, isTenantAdmin ? null : model.Tenants, isTenantAdmin ? null : model.Bots,
            isTenantAdmin ? null : model.Fallback,
            model.Price is { } price ? new AdminPrice(price.Input, price.Output, price.CachedInput, price.Request) : null);
    }
}
