using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Explains what would happen to a request, by asking everything that decides about one. The decisions are made by the code that decides about requests.
/// Key: the tenant.
/// </summary>
[Alias("route")]
public interface IRouteGrain : IGrainWithStringKey
{
    /// <summary>
    /// Explains a request. Changes nothing. If nothing else happens in between, the request then gets the same bot and account, or the same error.
    /// </summary>
    [Alias("Explain"), AlwaysInterleave, Idempotent, ResponseTimeout("00:00:30")]
    Task<RouteExplanation> Explain(RouteQuestion question);
}

/// <summary>The request to explain.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="Model">The name of the model as a client would send it.</param>
[GenerateSerializer, Immutable, Alias("route-question")]
public sealed record RouteQuestion(string TenantId, string Model)
{
    /// <summary>The name of the API key; null: no rules of a key apply.</summary>
    [Id(0)]
    public string? KeyName { get; init; }

    /// <summary>The client's name for the conversation; null: a new conversation.</summary>
    [Id(1)]
    public string? ConversationName { get; init; }

    /// <summary>The tokens that the prompt is estimated to have; see <see cref="TurnEstimate"/>. 0 or more.</summary>
    [Id(2)]
    public long InputTokens { get; init; }

    /// <summary>The longest output that the client allows; null: it does not say. Only language models honour it.</summary>
    [Id(3)]
    public long? MaxOutputTokens { get; init; }

    /// <summary>See <see cref="PickRequest.LanguageModelsOnly"/>.</summary>
    [Id(4)]
    public bool LanguageModelsOnly { get; init; }

    /// <summary>See <see cref="PickRequest.CredentialUpstream"/>.</summary>
    [Id(5)]
    public string? CredentialUpstream { get; init; }
}

/// <summary>What would happen to a request.</summary>
[GenerateSerializer, Immutable, Alias("route-explanation")]
public sealed record RouteExplanation
{
    /// <summary>The error that the request would get; null: it would be sent to a bot.</summary>
    [Id(0)]
    public Error? Error { get; init; }

    /// <summary>The bot that it would be sent to first; null with an error.</summary>
    [Id(1)]
    public string? BotId { get; init; }

    /// <summary>The account that it would be sent with; null with an error.</summary>
    [Id(2)]
    public string? AccountId { get; init; }

    /// <summary>How the name of the model was understood; null if the tenant or the key is unknown.</summary>
    [Id(3)]
    public RouteModel? Model { get; init; }

    /// <summary>What was checked before a bot was looked for, in this order, up to the first refusal.</summary>
    [Id(4)]
    public IReadOnlyList<RouteCheck> Checks { get => field ?? []; init; }

    /// <summary>The bot with which the conversation continues; null if it has none.</summary>
    [Id(5)]
    public string? ConversationBot { get; init; }

    /// <summary>The bots of the model and then those of its fallback, with what the pool and they say. At most 1000 are listed.</summary>
    [Id(6)]
    public IReadOnlyList<RouteBot> Bots { get => field ?? []; init; }

    /// <summary>The largest number of attempts of a turn before its first text.</summary>
    [Id(7)]
    public int MaxAttempts { get; init; }
}

/// <summary>How the name of a model was understood.</summary>
/// <param name="ModelId">The model; null if the tenant has none of this name, or if the key may not use it.</param>
/// <param name="Match">What the name is.</param>
/// <param name="Routing">How its bots are picked.</param>
[GenerateSerializer, Immutable, Alias("route-model")]
public sealed record RouteModel(string? ModelId, ModelMatch Match, RoutingStrategy Routing);

/// <summary>What the name of a model is.</summary>
[GenerateSerializer, Alias("model-match")]
public enum ModelMatch
{
    /// <summary>Nothing that the tenant has.</summary>
    None,

    /// <summary>The id of a model.</summary>
    Model,

    /// <summary>An alias of the tenant.</summary>
    Alias,

    /// <summary>The id of a bot, in the fleet or at its upstream.</summary>
    Bot,

    /// <summary>A name that matches an alias with <c>*</c>.</summary>
    Pattern,
}

/// <summary>A check of a request.</summary>
/// <param name="Kind">What was checked.</param>
/// <param name="Refusal">Why the request would be refused; null if it would not.</param>
[GenerateSerializer, Immutable, Alias("route-check")]
public sealed record RouteCheck(RouteCheckKind Kind, Error? Refusal);

/// <summary>The kinds of checks.</summary>
[GenerateSerializer, Alias("route-check-kind")]
public enum RouteCheckKind
{
    /// <summary>The tenant and the key exist, and the key is valid.</summary>
    Key,

    /// <summary>The model exists, and the tenant and the key may use it.</summary>
    Model,

    /// <summary>The limits of tenant and key per minute and of concurrent turns.</summary>
    Limits,

    /// <summary>The budgets of tenant and key.</summary>
    Budgets,
}

/// <summary>What would happen to a bot of the model.</summary>
/// <param name="BotId">The bot.</param>
/// <param name="Tier">Its priority; 0 for a bot of the fallback.</param>
/// <param name="Verdict">What would happen.</param>
/// <param name="Refusal">Why it would be skipped or would refuse; null if it would not.</param>
[GenerateSerializer, Immutable, Alias("route-bot")]
public sealed record RouteBot(string BotId, int Tier, RouteVerdict Verdict, Refusal? Refusal)
{
    /// <summary>The accounts that it would ask, in this order; empty if it would ask none.</summary>
    [Id(0)]
    public IReadOnlyList<RouteAccount> Accounts { get => field ?? []; init; }
}

/// <summary>What would happen to an account.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Refusal">Why it would refuse; null: it would be used.</param>
[GenerateSerializer, Immutable, Alias("route-account")]
public sealed record RouteAccount(string AccountId, Refusal? Refusal);

/// <summary>What would happen to a bot.</summary>
[GenerateSerializer, Alias("route-verdict")]
public enum RouteVerdict
{
    /// <summary>It is available, and not its turn.</summary>
    Available,

    /// <summary>It would be used.</summary>
    Chosen,

    /// <summary>It would be asked, and would refuse.</summary>
    Refused,

    /// <summary>The pool would skip it, because it has refused a turn within the last seconds.</summary>
    Skipped,

    /// <summary>It cannot serve this request: another task, no account for the request, or no language model.</summary>
    Unsuitable,
}

/// <summary>A pool's explanation.</summary>
/// <param name="Pick">What it would answer.</param>
/// <param name="Bots">All bots, at most 1000. None is <see cref="RouteVerdict.Refused"/> except those in the request.</param>
[GenerateSerializer, Immutable, Alias("pool-explanation")]
public sealed record PoolExplanation(PickResult Pick, IReadOnlyList<RouteBot> Bots)
{
    /// <summary>The most bots that are listed.</summary>
    public const int MaxBots = 1_000;
}

/// <summary>A bot's explanation.</summary>
/// <param name="AccountId">The account of the lease; null if the bot would refuse.</param>
/// <param name="Refusal">Why it would refuse; null with an account.</param>
/// <param name="Accounts">The accounts that it would ask.</param>
[GenerateSerializer, Immutable, Alias("bot-explanation")]
public sealed record BotExplanation(string? AccountId, Refusal? Refusal, IReadOnlyList<RouteAccount> Accounts);
