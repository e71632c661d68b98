using System.Globalization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/turns</c>: searches the log of turns, shows what happened to one, and cancels it.</summary>
internal static class AdminTurnsApi
{
    private const string What = "turn";

    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/turns", AdminRole.Viewer, "searchTurns", "Searches the turns, newest first.")
            {
                TenantAdmins = true,
                IsList = true,
                Query =
                [
                    ("id", "The id of the turn."), ("tenant", "The tenant."), ("model", "The requested model."), ("bot", "The bot of the last attempt."),
                    ("account", "The account of the last attempt. Not for tenant admins."), ("user", "The client's end user."),
                    ("status", "queued, running, completed, failed or cancelled."), ("from", "ISO 8601: accepted at this time or later."),
                    ("until", "ISO 8601: accepted before this time."),
                ],
            },
            AdminJson.Default.AdminPageAdminTurn, Search);
        routes.Map(
            new("GET", "/turns/{id}", AdminRole.Viewer, "inspectTurn", "Reads a turn with the timeline of its attempts.")
            {
                TenantAdmins = true,
                Query = [AdminContents.Parameter],
            },
            AdminJson.Default.AdminTurnDetails, Read);
        routes.Map(
            new("DELETE", "/turns/{id}", AdminRole.Operator, "stopTurn", "Cancels a turn that has not ended.") { TenantAdmins = true },
            AdminJson.Default.AdminTurnDetails, Cancel);
    }

    private static async Task<AdminPage<AdminTurn>> Search(AdminCall call)
    {
        var (limit, tenant, account) = (call.Limit, call.Query("tenant"), call.Query("account"));
        if (tenant is not null) call.RequireTenant(tenant, "tenant");
        if (account is not null && call.OnlyTenant is not null) throw AdminCall.Invalid("account", "is not known to tenant admins");
        var rows = await call.Grains.Grain<ITurnLogGrain>(GrainKeys.TurnLog).Search(new TurnQuery
        {
            TurnId = call.Query("id"),
            TenantId = call.OnlyTenant ?? tenant,
            Model = call.Query("model"),
            BotId = call.Query("bot"),
            AccountId = account,
            User = call.Query("user"),
            Status = call.Choice<TurnStatus>("status"),
            From = call.Moment("from"),
            Until = call.Moment("until"),
            Before = call.Number("after", 0, long.MaxValue),
            Limit = limit + 1,
        });
        return AdminPages.Of(rows, limit, row => Convert(call, row), row => row.Id.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<AdminTurnDetails> Read(AdminCall call)
    {
        var withContent = call.Flag(AdminContents.Name);
        var report = await Find(call);
        var row = report.Row;
        if (!withContent) return new AdminTurnDetails(Convert(call, row), TimelineOf(call, report), null);
        await call.RequireContent();
        var conversation = ConversationOf(call, row);
        var turn = await call.Audited(new AuditTarget(What, row.TurnId, row.TenantId), () => conversation.GetTurn(row.TenantId, row.TurnId));
        return new AdminTurnDetails(Convert(call, row), TimelineOf(call, report), AdminContents.Of(call, turn));
    }

    private static async Task<AdminTurnDetails> Cancel(AdminCall call)
    {
        var row = (await Find(call)).Row;
        if (row.EndedAt is not null) throw new ClusterException(ErrorCode.Conflict, "The turn has ended.");
        var conversation = ConversationOf(call, row);
        await call.Audited(new AuditTarget(What, row.TurnId, row.TenantId), () => conversation.Cancel(row.TenantId, row.TurnId));
        var report = await Find(call);
        return new AdminTurnDetails(Convert(call, report.Row), TimelineOf(call, report), null);
    }

    private static async Task<TurnReport> Find(AdminCall call)
    {
        var report = await call.Grains.Grain<ITurnLogGrain>(GrainKeys.TurnLog).ReadTurn(call.Path("id"));
        return report is not null && call.Sees(report.Row.TenantId) ? report : throw AdminCall.Unknown(What);
    }

    // A turn of embeddings or moderations has a row and no conversation.
    private static IConversationGrain ConversationOf(AdminCall call, TurnRow row) =>
        call.Fleet.Ids.TryGetConversation(row.TenantId, row.TurnId, out var key)
            ? call.Grains.Grain<IConversationGrain>(key)
            : throw new ClusterException(ErrorCode.Conflict, "This turn has no conversation, so nothing of it is stored and it cannot be cancelled.");

    private static AdminTurn Convert(AdminCall call, TurnRow row) => new(
        row.TurnId, row.TenantId, row.KeyName, row.User, row.Model, WireName.Of(row.Status), row.CreatedAt.UtcDateTime, row.FirstTextAt?.UtcDateTime,
        row.EndedAt?.UtcDateTime, row.Upstream, row.BotId, call.OnlyTenant is null ? row.AccountId : null, row.Attempts, NameOf(row.Error), row.InputTokens,
        row.OutputTokens, row.Charge is { } charge ? Convert(charge) : null);

    private static AdminCharge Convert(TurnCharge charge) => new(
        WireName.Of(charge.State), DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(charge.Day).ToString("O", CultureInfo.InvariantCulture),
        AdminBudgets.Convert(charge.Amounts));

    private static IReadOnlyList<AdminTurnEvent> TimelineOf(AdminCall call, TurnReport report)
    {
        var row = report.Row;
        var events = new List<AdminTurnEvent> { new(ToEventTime(row.CreatedAt), "accepted", null, null, null, null, null) };
        for (var i = 0; i < report.Attempts.Count; i++)
        {
            var attempt = report.Attempts[i];
            var number = Math.Max(row.Attempts - report.Attempts.Count, 0) + i + 1;
            var account = call.OnlyTenant is null ? attempt.AccountId : null;
            events.Add(new(ToEventTime(attempt.StartedAt), "attempt", number, attempt.BotId, account, null, null));
            if (attempt.FirstTextAt is { } first) events.Add(new(ToEventTime(first), "first_text", number, attempt.BotId, account, null, null));
            if (attempt.EndedAt is { } ended) events.Add(new(ToEventTime(ended), "attempt_ended", number, attempt.BotId, account, NameOf(attempt.Error), null));
        }
        if (row.EndedAt is { } end) events.Add(new(ToEventTime(end), "ended", null, null, null, NameOf(row.Error), WireName.Of(row.Status)));
        return events;
    }

    /// <summary>In whole milliseconds, as turns are stored: the times of a timeline never decrease.</summary>
    private static DateTime ToEventTime(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), DateTimeKind.Utc);

    private static string? NameOf(ErrorCode? error) => error is { } code ? ErrorTable.Of(code).Name : null;
}
