namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/audit</c>: what admin keys have done, and what was refused.</summary>
internal static class AuditApi
{
    public static void Map(AdminRoutes routes) => routes.Map(
        new("GET", "/audit", AdminRole.Operator, "listAudit", "Searches the audit log, newest entry first.")
        {
            TenantAdmins = true,
            IsList = true,
            Query =
            [
                ("tenant", "The tenant that the thing belongs to."), ("key", "The name of the admin key."), ("action", "The operation."),
                ("kind", "The kind of the thing."), ("id", "The id of the thing."), ("outcome", "ok, unknown, or the code of an error."),
                ("from", "ISO 8601: at this time or later."), ("until", "ISO 8601: before this time."),
            ],
        },
        AdminJson.Default.AdminPageAdminAuditEntry, List);

    private static async Task<AdminPage<AdminAuditEntry>> List(AdminCall call)
    {
        var limit = call.Limit;
        if (call.Query("tenant") is { } tenant) call.RequireTenant(tenant, "tenant");
        var entries = await call.Grains.Grain<IAuditLogGrain>(GrainKeys.AuditLog).Search(new AuditQuery
        {
            TenantId = call.OnlyTenant ?? call.Query("tenant"),
            KeyName = call.Query("key"),
            Action = call.Query("action"),
            Kind = call.Query("kind"),
            ItemId = call.Query("id"),
            Outcome = call.Query("outcome"),
            From = call.Moment("from"),
            Until = call.Moment("until"),
            Before = call.After,
            Limit = limit + 1,
        });
        return AdminPages.Of(entries, limit, entry => Convert(call, entry), entry => entry.Id);
    }

    // Tenants do not see the addresses of operators.
    private static AdminAuditEntry Convert(AdminCall call, AuditEntry entry) => new(
        entry.Id, entry.At.UtcDateTime, entry.Action, entry.Kind, entry.ItemId, entry.TenantId, entry.Outcome, entry.Fields, entry.Note, entry.RequestId,
        new AdminAuditActor(
            entry.Actor.TenantId, entry.Actor.KeyName, entry.Actor.Role is { } role ? WireName.Of(role) : null,
            call.Sees(entry.Actor.TenantId) ? entry.Actor.Address : ""));
}

/// <summary>An entry of the audit log. See <see cref="AuditEntry"/>.</summary>
internal sealed record AdminAuditEntry(
    string Id, DateTime At, string Action, string Kind, string ItemId, string? Tenant, string Outcome, IReadOnlyList<string> Fields, string? Note,
    string RequestId, AdminAuditActor Actor);

/// <summary>Who did it. See <see cref="AuditActor"/>.</summary>
internal sealed record AdminAuditActor(string Tenant, string Key, string? Role, string Address);
