using CozeCluster.Gateway.Surfaces.Conversations;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/conversations</c>: the named conversations of a tenant.</summary>
internal static class AdminConversationsApi
{
    private const string One = "/conversations/{tenant}/{**name}";

    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/conversations", AdminRole.Viewer, "listConversationsOfTenant", "Lists the named conversations of a tenant, most recently used first.")
            {
                TenantAdmins = true, IsList = true, Query = [("tenant", "The tenant. Required, except for tenant admins.")],
            },
            AdminJson.Default.AdminPageAdminConversation, List);
        routes.Map(
            new("GET", One, AdminRole.Viewer, "inspectConversation", "Reads a conversation with its turns.")
            {
                TenantAdmins = true, IsList = true, Query = [AdminContents.Parameter],
            },
            AdminJson.Default.AdminConversationDetails, Read);
        routes.Map(
            new("DELETE", One, AdminRole.Operator, "removeConversation", "Deletes a conversation and cancels its turns.") { TenantAdmins = true }, Delete);
    }

    private static async Task<AdminPage<AdminConversation>> List(AdminCall call)
    {
        var tenant = call.Query("tenant") ?? call.OnlyTenant ?? throw AdminCall.Invalid("tenant", "is missing");
        RequireTenant(call, tenant);
        var limit = call.Limit;
        var found = await call.Grains.Grain<ITurnLogGrain>(GrainKeys.TurnLog).ListConversations(tenant, call.After, limit + 1);
        return AdminPages.Of(found, limit, Convert, summary => summary.Name);
    }

    private static async Task<AdminConversationDetails> Read(AdminCall call)
    {
        var (tenant, name, conversation) = Find(call);
        var withContent = call.Flag(AdminContents.Name);
        if (withContent) await call.RequireContent();
        var read = withContent
            ? await call.Audited(TargetOf(tenant, name), () => conversation.GetConversation(tenant))
            : await conversation.GetConversation(tenant);
        var page = AdminPages.TakeInOrder(call, read.Turns, turn => turn.TurnId, "a turn of this conversation");
        return new AdminConversationDetails(Convert(read.Summary),
        [
            .. page.Data.Select(turn => new AdminConversationTurn(
                turn.TurnId, WireName.Of(turn.Status), turn.Model, turn.CreatedAt.UtcDateTime, turn.EndedAt?.UtcDateTime,
                withContent ? AdminContents.Of(call, turn) : null)),
        ], page.Next);
    }

    private static async Task Delete(AdminCall call)
    {
        var (tenant, name, conversation) = Find(call);
        // What does not exist needs no entry in the audit log.
        await conversation.GetConversation(tenant);
        await call.Audited(TargetOf(tenant, name), () => conversation.Delete(tenant));
    }

    private static (string Tenant, string Name, IConversationGrain Conversation) Find(AdminCall call)
    {
        var tenant = call.Path("tenant");
        RequireTenant(call, tenant);
        var name = ConversationNames.Check(call.Path("name"), "name");
        return (tenant, name, call.Grains.Grain<IConversationGrain>(call.Fleet.Ids.KeyOf(tenant, name)));
    }

    private static void RequireTenant(AdminCall call, string tenant)
    {
        call.RequireTenant(tenant, "tenant");
        if (call.Fleet.FindTenant(tenant) is null) throw AdminCall.Unknown("tenant");
    }

    private static AuditTarget TargetOf(string tenant, string name) => new("conversation", name, tenant);

    private static AdminConversation Convert(ConversationSummary summary) =>
        new(summary.Name, summary.Title, summary.CreatedAt.UtcDateTime, summary.LastUsedAt.UtcDateTime, summary.Turns);
}
