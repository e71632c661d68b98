using System.Text.Json;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>Amounts of a budget. What is null is not limited.</summary>
internal sealed record AdminBudget(long? Requests, long? Tokens, decimal? Credits);

/// <summary>See <see cref="LimitsDefinition"/>.</summary>
internal sealed record AdminLimits(int? RequestsPerMinute, long? TokensPerMinute, int? MaxConcurrentTurns, AdminBudget? Daily, AdminBudget? Monthly);

/// <summary>What is used of a budget.</summary>
internal sealed record AdminAmounts(long Requests, long Tokens, decimal Credits);

/// <summary>The budget of the present day or month, UTC.</summary>
/// <param name="Period"><c>day</c> or <c>month</c>.</param>
/// <param name="Start">Its first day.</param>
/// <param name="Limit">The budget.</param>
/// <param name="Settled">What turns were charged that have ended.</param>
/// <param name="Reserved">What is reserved for turns that have not ended.</param>
/// <param name="Unknown">What is reserved for turns of unknown outcome.</param>
internal sealed record AdminBudgetUse(
    string Period, string Start, AdminBudget Limit, AdminAmounts Settled, AdminAmounts Reserved, AdminAmounts Unknown);

/// <summary>A tenant.</summary>
internal sealed record AdminTenant(
    string Id, int? MaxConcurrentTurns, bool StoreConversations, bool TelemetryContent, string? DefaultModel,
    IReadOnlyDictionary<string, string> Aliases, AdminLimits? Limits, bool Prepaid, int Keys);

/// <summary>A tenant with what it has used.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Budgets">Its budgets; empty if it has none.</param>
/// <param name="Credit">Its prepaid credit; null if it has none.</param>
internal sealed record AdminTenantDetails(AdminTenant Tenant, IReadOnlyList<AdminBudgetUse> Budgets, AdminCredit? Credit);

/// <summary>An API key. The key itself is not stored.</summary>
internal sealed record AdminKey(
    string Name, string Tenant, string? Role, IReadOnlyList<string> Models, IReadOnlyList<string> IpRanges, DateTime? ExpiresAt, bool Disabled,
    AdminLimits? Limits, string? Hint, DateTime? LastUsedAt);

/// <summary>An API key with what it has used.</summary>
internal sealed record AdminKeyDetails(AdminKey Key, IReadOnlyList<AdminBudgetUse> Budgets);

/// <summary>Prepaid credit, in credits.</summary>
/// <param name="Added">All that was ever added.</param>
/// <param name="Settled">What turns were charged that have ended.</param>
/// <param name="Reserved">What is reserved for turns that have not ended.</param>
/// <param name="Unknown">What is reserved for turns of unknown outcome.</param>
/// <param name="Left">What is left.</param>
internal sealed record AdminCredit(decimal Added, decimal Settled, decimal Reserved, decimal Unknown, decimal Left);

/// <summary>Prepaid credit with a page of the last payments, newest first.</summary>
/// <param name="Credit">The credit.</param>
/// <param name="Payments">The payments.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
internal sealed record AdminCreditDetails(AdminCredit Credit, IReadOnlyList<AdminPayment> Payments, string? Next);

/// <summary>A payment of prepaid credit. See <see cref="CreditPayment"/>.</summary>
internal sealed record AdminPayment(string Id, decimal Amount, DateTime At, string? Note, string? By);

/// <summary>The request that adds a payment.</summary>
internal sealed record AdminNewPayment(string? Id, decimal? Amount, string? At, string? Note = null);

/// <summary>The health of a bot, an account or a listener. See <see cref="HealthEntry"/>.</summary>
internal sealed record AdminHealthEntry(
    string Kind, string Id, string State, string? Reason, string? Code, DateTime? Since, DateTime? Until, string? Warning, AdminKeepActive? KeepActive);

/// <summary>The result of the last message that kept a bot active.</summary>
internal sealed record AdminKeepActive(DateTime At, string? Error);

/// <summary>A page of the health of the fleet.</summary>
/// <param name="Data">The entries, by kind and id.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
/// <param name="Fleet">The fleet as this node knows it.</param>
internal sealed record AdminHealth(IReadOnlyList<AdminHealthEntry> Data, string? Next, AdminFleet Fleet);

/// <summary>The fleet as this node knows it.</summary>
internal sealed record AdminFleet(long Version, string State, DateTime? ConfirmedAt);

/// <summary>A page of the processes and then the silos of the cluster. What is null could not be read.</summary>
/// <param name="Fleet">The fleet as this node knows it.</param>
/// <param name="Version">The version of the fleet that is in force.</param>
/// <param name="Processes">The processes on this page, by id.</param>
/// <param name="Silos">The silos on this page, by address.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
internal sealed record AdminCluster(
    AdminFleet Fleet, long? Version, IReadOnlyList<AdminProcess>? Processes, IReadOnlyList<AdminSilo>? Silos, string? Next);

/// <summary>A process that uses the fleet.</summary>
internal sealed record AdminProcess(string Id, long Version, DateTime ConfirmedAt);

/// <summary>A silo of the cluster.</summary>
internal sealed record AdminSilo(string Address, string Status);

/// <summary>A bot.</summary>
internal sealed record AdminBot(
    string Id, string Upstream, string UpstreamBotId, IReadOnlyList<string> Accounts, int? MaxConcurrentTurns, string Task, IReadOnlyList<string> Models,
    AdminHealthEntry? Health);

/// <summary>An account. Its credential is secret.</summary>
internal sealed record AdminAccount(
    string Id, string Upstream, string BaseUrl, string Credential, bool HasProxy, int? MaxConcurrentTurns, IReadOnlyList<string> Bots,
    AdminHealthEntry? Health);

/// <summary>A Discord listener. Its token is secret.</summary>
internal sealed record AdminListener(string Id, string BaseUrl, string GuildId, int Shards, bool HasProxy, AdminHealthEntry? Health);

/// <summary>A model. Tenant admins do not see what is null for them: its tenants and bots.</summary>
internal sealed record AdminModel(
    string Id, DateTime CreatedAt, bool Hidden, IReadOnlyList<string>? Tenants, IReadOnlyList<string>? Bots, IReadOnlyList<string>? Fallback,
    AdminPrice? Price);

/// <summary>See <see cref="PriceDefinition"/>.</summary>
internal sealed record AdminPrice(decimal Input, decimal Output, decimal? CachedInput, decimal Request);

/// <summary>A turn, as the log has it.</summary>
internal sealed record AdminTurn(
    string Id, string Tenant, string? Key, string? User, string Model, string Status, DateTime CreatedAt, DateTime? FirstTextAt, DateTime? EndedAt,
    string? Upstream, string? Bot, string? Account, int Attempts, string? Error, long? InputTokens, long? OutputTokens, AdminCharge? Charge);

/// <summary>What a turn is charged. See <see cref="TurnCharge"/>.</summary>
internal sealed record AdminCharge(string State, string Day, AdminAmounts Amounts);

/// <summary>A turn with what happened to it.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Timeline">What happened, oldest first.</param>
/// <param name="Content">The turn with its prompt and its reply, as the turns API has it. Only if the request asks for it.</param>
internal sealed record AdminTurnDetails(AdminTurn Turn, IReadOnlyList<AdminTurnEvent> Timeline, JsonElement? Content);

/// <summary>Something that happened to a turn.</summary>
/// <param name="At">When.</param>
/// <param name="Event"><c>accepted</c>, <c>attempt</c>, <c>first_text</c>, <c>attempt_ended</c> or <c>ended</c>.</param>
/// <param name="Attempt">The number of the attempt, from 1.</param>
/// <param name="Bot">The bot of the attempt.</param>
/// <param name="Account">The account of the attempt.</param>
/// <param name="Error">The error with which the attempt or the turn ended.</param>
/// <param name="Status">The status with which the turn ended.</param>
internal sealed record AdminTurnEvent(DateTime At, string Event, int? Attempt, string? Bot, string? Account, string? Error, string? Status);

/// <summary>A named conversation.</summary>
internal sealed record AdminConversation(string Name, string? Title, DateTime CreatedAt, DateTime LastUsedAt, int Turns);

/// <summary>A conversation with a page of its turns, oldest first.</summary>
/// <param name="Conversation">The conversation.</param>
/// <param name="Turns">The turns.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
internal sealed record AdminConversationDetails(AdminConversation Conversation, IReadOnlyList<AdminConversationTurn> Turns, string? Next);

/// <summary>A turn of a conversation. See <see cref="AdminTurnDetails"/> for its content.</summary>
internal sealed record AdminConversationTurn(string Id, string Status, string Model, DateTime CreatedAt, DateTime? EndedAt, JsonElement? Content);
