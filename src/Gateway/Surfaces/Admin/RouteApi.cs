using System.Text.Json.Serialization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/dry-run/route</c>: what would happen to a request, and why. It changes nothing.</summary>
internal static class RouteApi
{
    private const long MaxTokens = 1_000_000_000;

    public static void Map(AdminRoutes routes) => routes.Map(
        new("GET", "/dry-run/route", AdminRole.Viewer, "explainRoute", "Explains which bot a request would get, or which error.")
        {
            TenantAdmins = true,
            Query =
            [
                ("model", "Required: the name of the model, as a client would send it."), ("tenant", "The tenant. Default: that of the key."),
                ("key", "The name of the API key. Default: no rules of a key apply."), ("conversation", "The client's name for the conversation."),
                ("input_tokens", "The estimated tokens of the prompt. Default 0."), ("max_output_tokens", "The longest output that the client allows."),
                ("language_models_only", "true: only language models can serve the request, because it has tools."),
                ("credential", "The upstream of a credential that comes with the request."),
            ],
        },
        AdminRoutingJson.Default.AdminRouteExplanation, Explain);

    private static async Task<AdminRouteExplanation> Explain(AdminCall call)
    {
        var model = call.Query("model") ?? throw AdminCall.Invalid("model", "is missing");
        var tenant = call.Query("tenant") ?? call.Key.TenantId;
        call.RequireTenant(tenant, "tenant");
        if (call.Fleet.FindTenant(tenant) is null) throw AdminCall.Unknown("tenant");
        var explanation = await call.Grains.Grain<IRouteGrain>(tenant).Explain(new RouteQuestion(tenant, model)
        {
            KeyName = call.Query("key"),
            ConversationName = call.Query("conversation"),
            InputTokens = call.Number("input_tokens", 0, MaxTokens) ?? 0,
            MaxOutputTokens = call.Number("max_output_tokens", 1, MaxTokens),
            LanguageModelsOnly = call.Flag("language_models_only"),
            CredentialUpstream = call.Query("credential"),
        });
        return Convert(explanation, isTenantAdmin: call.OnlyTenant is not null);
    }

    // Bots and accounts belong to the operators. A tenant admin sees the bot of a conversation, which its turns have used.
    private static AdminRouteExplanation Convert(RouteExplanation from, bool isTenantAdmin) => new(
        isTenantAdmin ? null : from.BotId,
        isTenantAdmin ? null : from.AccountId,
        Convert(from.Error),
        from.Model is { } model ? new AdminRouteModel(model.ModelId, WireName.Of(model.Match), WireName.Of(model.Routing)) : null,
        [.. from.Checks.Select(check => new AdminRouteCheck(WireName.Of(check.Kind), Convert(check.Refusal)))],
        from.ConversationBot,
        from.MaxAttempts,
        isTenantAdmin ? [] : [.. from.Bots.Select(Convert)]);

    private static AdminRouteBot Convert(RouteBot bot) => new(
        bot.BotId, bot.Tier, WireName.Of(bot.Verdict), KindOf(bot.Refusal), Convert(bot.Refusal), [.. bot.Accounts.Select(Convert)]);

    private static AdminRouteAccount Convert(RouteAccount account) => new(account.AccountId, KindOf(account.Refusal), Convert(account.Refusal));

    private static string? KindOf(Refusal? refusal) => refusal is null ? null : WireName.Of(refusal.Kind);

    private static AdminRouteError? Convert(Refusal? refusal) =>
        refusal is null ? null : new(ErrorTable.Of(refusal.Error.Code).Name, refusal.Error.Message, refusal.Until?.UtcDateTime);

    private static AdminRouteError? Convert(Error? error) =>
        error is null ? null : new(ErrorTable.Of(error.Code).Name, error.Message, error.Until?.UtcDateTime);
}

/// <summary>See <see cref="RouteExplanation"/>.</summary>
internal sealed record AdminRouteExplanation(
    string? Bot, string? Account, AdminRouteError? Error, AdminRouteModel? Model, IReadOnlyList<AdminRouteCheck> Checks, string? ConversationBot,
    int MaxAttempts, IReadOnlyList<AdminRouteBot> Bots);

/// <summary>The error that a request would get, or why a bot or an account would refuse.</summary>
internal sealed record AdminRouteError(string Code, string Message, DateTime? Until);

/// <summary>See <see cref="RouteModel"/>.</summary>
internal sealed record AdminRouteModel(string? Id, string Match, string Routing);

/// <summary>See <see cref="RouteCheck"/>.</summary>
internal sealed record AdminRouteCheck(string Check, AdminRouteError? Error);

/// <summary>See <see cref="RouteBot"/>.</summary>
internal sealed record AdminRouteBot(
    string Bot, int Priority, string Verdict, string? Reason, AdminRouteError? Error, IReadOnlyList<AdminRouteAccount> Accounts);

/// <summary>See <see cref="RouteAccount"/>.</summary>
internal sealed record AdminRouteAccount(string Account, string? Reason, AdminRouteError? Error);

/// <summary>The JSON form of explanations.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(AdminRouteExplanation))]
internal sealed partial class AdminRoutingJson : JsonSerializerContext;
