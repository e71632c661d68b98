using System.Globalization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/tenants</c>: tenants and their API keys, with their limits and what is used of their budgets.</summary>
internal static class AdminTenantsApi
{
    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/tenants", AdminRole.Viewer, "listTenants", "Lists the tenants.") { TenantAdmins = true, IsList = true },
            AdminJson.Default.AdminPageAdminTenant, static call => Task.FromResult(List(call)));
        routes.Map(
            new("GET", "/tenants/{id}", AdminRole.Viewer, "readTenant", "Reads a tenant with what is used of its budgets.") { TenantAdmins = true },
            AdminJson.Default.AdminTenantDetails, Read);
        routes.Map(
            new("GET", "/tenants/{id}/keys", AdminRole.Viewer, "listKeys", "Lists the API keys of a tenant.") { TenantAdmins = true, IsList = true },
            AdminJson.Default.AdminPageAdminKey, ListKeys);
        routes.Map(
            new("GET", "/tenants/{id}/keys/{**name}", AdminRole.Viewer, "readKey", "Reads an API key with what is used of its budgets.")
            {
                TenantAdmins = true,
            },
            AdminJson.Default.AdminKeyDetails, ReadKey);
    }

    /// <summary>Finds the tenant whose id is in the path.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.NotFound"/>: there is none, or the key may not see it.</exception>
    public static TenantDefinition Find(AdminCall call)
    {
        var id = call.Path("id");
        return call.Sees(id) && call.Fleet.FindTenant(id) is { } tenant ? tenant : throw AdminCall.Unknown("tenant");
    }

    public static AdminLimits? Convert(LimitsDefinition? limits) => limits is null ? null : new(
        limits.RequestsPerMinute, limits.TokensPerMinute, limits.MaxConcurrentTurns, Convert(limits.Daily), Convert(limits.Monthly));

    private static AdminBudget? Convert(BudgetDefinition? budget) => budget is null ? null : new(budget.Requests, budget.Tokens, budget.Credits);

    private static AdminTenant Convert(AdminCall call, TenantDefinition tenant) => new(
        tenant.Id, tenant.MaxConcurrentTurns, tenant.StoreConversations, tenant.DefaultModel,
        tenant.Aliases.DistinctBy(alias => alias.Name).ToDictionary(alias => alias.Name, alias => alias.Model), Convert(tenant.Limits), tenant.Prepaid,
        call.Fleet.ListKeys(tenant.Id).Count);

    private static AdminKey Convert(ApiKeyInfo key, IReadOnlyDictionary<string, DateTimeOffset> lastUsed) => new(
        key.Name, key.TenantId, key.Role is { } role ? WireName.Of(role) : null, key.Models, key.IpRanges, key.ExpiresAt?.UtcDateTime, key.Disabled,
        Convert(key.Limits), key.Hint, lastUsed.TryGetValue(key.Name, out var at) ? at.UtcDateTime : null);

    private static Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(AdminCall call, string tenantId) =>
        call.Grains.Grain<IUsageGrain>(GrainKeys.Usage(tenantId)).ReadLastUsed(tenantId);

    private static AdminPage<AdminTenant> List(AdminCall call) => AdminPages.Take(
        call, call.Fleet.Outline.Tenants.Where(call.Sees), id => call.Fleet.FindTenant(id) is { } found ? Convert(call, found) : null);

    private static async Task<AdminTenantDetails> Read(AdminCall call)
    {
        var tenant = Find(call);
        var isCharged = tenant.Prepaid || tenant.Limits?.HasBudget() == true;
        var status = isCharged ? await AdminBudgets.Read(call, tenant.Id, null) : null;
        return new AdminTenantDetails(
            Convert(call, tenant),
            status is null ? [] : AdminBudgets.UsesOf(status, tenant.Limits, call.Time.GetUtcNow()),
            tenant.Prepaid && status is not null ? AdminBudgets.CreditOf(status) : null);
    }

    private static async Task<AdminPage<AdminKey>> ListKeys(AdminCall call)
    {
        var tenant = Find(call);
        var lastUsed = await ReadLastUsed(call, tenant.Id);
        var keys = call.Fleet.ListKeys(tenant.Id).ToDictionary(key => key.Name);
        return AdminPages.Take(call, keys.Keys, name => Convert(keys[name], lastUsed));
    }

    private static async Task<AdminKeyDetails> ReadKey(AdminCall call)
    {
        var tenant = Find(call);
        var name = call.Path("name");
        var key = call.Fleet.ListKeys(tenant.Id).FirstOrDefault(key => key.Name == name) ?? throw AdminCall.Unknown("key");
        var status = key.Limits?.HasBudget() == true ? await AdminBudgets.Read(call, tenant.Id, name) : null;
        return new AdminKeyDetails(
            Convert(key, await ReadLastUsed(call, tenant.Id)),
            status is null ? [] : AdminBudgets.UsesOf(status, key.Limits, call.Time.GetUtcNow()));
    }
}

/// <summary>Converts what is used of budgets.</summary>
internal static class AdminBudgets
{
    public static Task<BudgetStatus> Read(AdminCall call, string tenantId, string? keyName) =>
        call.Grains.Grain<IBudgetGrain>(GrainKeys.Budget(tenantId, keyName)).GetStatus(tenantId, keyName);

    public static decimal ToCredits(long units) => (decimal)units / Amounts.UnitsPerCredit;

    public static AdminAmounts Convert(Amounts amounts) => new(amounts.Requests, amounts.Tokens, ToCredits(amounts.Credits));

    /// <summary>The budgets of the present day and month.</summary>
    public static IReadOnlyList<AdminBudgetUse> UsesOf(BudgetStatus status, LimitsDefinition? limits, DateTimeOffset now)
    {
        var (day, today) = (TurnCharge.DayOf(now), DateOnly.FromDateTime(now.UtcDateTime));
        var uses = new List<AdminBudgetUse>();
        Add("day", BudgetPeriod.Day, day, today, limits?.Daily);
        Add("month", BudgetPeriod.Month, TurnCharge.MonthOf(day), new DateOnly(today.Year, today.Month, 1), limits?.Monthly);
        return uses;

        void Add(string name, BudgetPeriod period, int index, DateOnly start, BudgetDefinition? limit)
        {
            if (limit is null) return;
            uses.Add(new AdminBudgetUse(
                name, start.ToString("O", CultureInfo.InvariantCulture), new AdminBudget(limit.Requests, limit.Tokens, limit.Credits),
                Convert(Find(status.Settled, period, index)), Convert(Find(status.Reserved, period, index)), Convert(Find(status.Unknown, period, index))));
        }
    }

    public static AdminCredit CreditOf(BudgetStatus status)
    {
        var (settled, reserved, unknown) = (
            Find(status.Settled, BudgetPeriod.Ever, 0).Credits, Find(status.Reserved, BudgetPeriod.Ever, 0).Credits,
            Find(status.Unknown, BudgetPeriod.Ever, 0).Credits);
        return new AdminCredit(
            ToCredits(status.Credit), ToCredits(settled), ToCredits(reserved), ToCredits(unknown), ToCredits(status.Credit - settled - reserved - unknown));
    }

    private static Amounts Find(IReadOnlyList<PeriodAmounts> lines, BudgetPeriod period, int index) =>
        lines.FirstOrDefault(line => line.Period == period && line.Index == index)?.Amounts ?? default;
}
