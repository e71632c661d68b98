using System.Globalization;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/tenants/{id}/credit</c>: prepaid credit and its payments.</summary>
internal static class AdminCreditApi
{
    /// <summary>The largest amount of a payment, in credits.</summary>
    private const decimal MaxAmount = 1_000_000_000;

    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/tenants/{id}/credit", AdminRole.Viewer, "readCredit", "Reads the prepaid credit of a tenant, and the last payments.")
            {
                TenantAdmins = true, IsList = true,
            },
            AdminJson.Default.AdminCreditDetails,
            static call => Read(call, AdminTenantsApi.Find(call).Id, payments =>
                AdminPages.TakeInOrder(call, payments, payment => payment.Id, "a payment that is remembered")));
        routes.Map(
            new("POST", "/tenants/{id}/credit", AdminRole.Operator, "addCredit", "Adds a payment to the prepaid credit of a tenant, once for each id.")
            {
                Body = typeof(AdminNewPayment),
            },
            AdminJson.Default.AdminCreditDetails, Add);
    }

    private static async Task<AdminCreditDetails> Read(
        AdminCall call, string tenantId, Func<IReadOnlyList<CreditPayment>, AdminPage<CreditPayment>> take)
    {
        var status = await AdminBudgets.Read(call, tenantId, null);
        var credit = await call.Grains.Grain<IBudgetGrain>(GrainKeys.Budget(tenantId, null)).GetCredit();
        var page = take(credit.Payments);
        return new AdminCreditDetails(AdminBudgets.CreditOf(status with { Credit = credit.Credit }), [.. page.Data.Select(Convert)], page.Next);
    }

    private static AdminPayment Convert(CreditPayment payment) =>
        new(payment.Id, AdminBudgets.ToCredits(payment.Units), payment.At.UtcDateTime, payment.Note, payment.By);

    private static async Task<AdminCreditDetails> Add(AdminCall call)
    {
        var tenantId = AdminTenantsApi.Find(call).Id;
        var body = await call.ReadBody(AdminJson.Default.AdminNewPayment);
        if (body.Id is not { Length: > 0 and <= CreditPayment.MaxId } id || id.Any(c => c is < ' ' or > '~'))
            throw AdminCall.Invalid("id", $"does not have 1 to {CreditPayment.MaxId} printable ASCII characters");
        if (body.Amount is not { } amount || amount == 0 || Math.Abs(amount) > MaxAmount || amount * Amounts.UnitsPerCredit % 1 != 0)
            throw AdminCall.Invalid("amount", $"is not a number of credits other than 0, at most {MaxAmount}, with at most six digits after the decimal point");
        if (body.At is null) throw AdminCall.Invalid("at", "is missing. Send when the payment was made, and the same time when you repeat the request");
        if (!QueryTimes.TryParse(body.At, out var at)) throw AdminCall.Invalid("at", $"is not {QueryTimes.Expected}");
        if (body.Note is { Length: > CreditPayment.MaxNote } || body.Note?.Any(char.IsControl) == true)
            throw AdminCall.Invalid("note", $"has more than {CreditPayment.MaxNote} characters, or control characters");
        var payment = new CreditPayment(id, (long)(amount * Amounts.UnitsPerCredit), at) { Note = body.Note, By = call.Key.Name };
        var more = body.Note is { Length: > 0 } text ? $": {text}" : "";
        var note = string.Create(CultureInfo.InvariantCulture, $"{amount} credits, payment {id} of {at.UtcDateTime:O}{more}");
        await call.Audited(
            new AuditTarget("tenant", tenantId, tenantId) { Fields = ["credit"], Note = note },
            () => call.Grains.Grain<IBudgetGrain>(GrainKeys.Budget(tenantId, null)).AddCredit(payment));
        return await Read(call, tenantId, payments => AdminPages.Of(payments, AdminCall.DefaultLimit, one => one, one => one.Id));
    }
}
