using System.Globalization;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// <c>/admin/v1/fleet/{kind}</c>: the things of the fleet, each as a fleet file has it. What comes from the fleet file is read-only until it is released.
/// </summary>
internal static partial class FleetItemsApi
{
    private const int MaxBody = 1 << 20;
    private const int MaxFields = 50;

    private static readonly (FleetItemKind Kind, string Path, string Name)[] Kinds =
    [
        (FleetItemKind.Tenant, "/fleet/tenants", "FleetTenant"), (FleetItemKind.Account, "/fleet/accounts", "FleetAccount"),
        (FleetItemKind.Listener, "/fleet/listeners", "FleetListener"), (FleetItemKind.Bot, "/fleet/bots", "FleetBot"),
        (FleetItemKind.Model, "/fleet/models", "FleetModel"),
    ];

    public static void Map(AdminRoutes routes)
    {
        foreach (var (kind, path, name) in Kinds)
        {
            var what = WireName.Of(kind);
            routes.Map(
                new("GET", path, AdminRole.Viewer, $"list{name}s", $"Lists the {what}s of the fleet as a fleet file has them, without secrets.")
                {
                    IsList = true, Schema = name,
                },
                AdminFleetJson.Default.AdminPageAdminFleetItem, call => List(call, kind, tenantId: null));
            FleetItemId Item(AdminCall call) => new(kind, call.Path("id"));
            MapItem(routes, $"{path}/{{id}}", name, what, tenantAdmins: false, Item);
        }
        MapItem(routes, "/fleet/settings", "FleetSettings", "notifications and endpoints", tenantAdmins: false, _ => FleetItemId.Settings);
    }

    /// <summary>Maps what can be done with one thing.</summary>
    /// <param name="routes">The routes.</param>
    /// <param name="path">The path of the thing.</param>
    /// <param name="name">Its name in the ids of operations.</param>
    /// <param name="what">What descriptions call it.</param>
    /// <param name="tenantAdmins">Whether tenant admins may do it.</param>
    /// <param name="find">The thing that a request is about. It refuses those that the key may not see.</param>
    public static void MapItem(AdminRoutes routes, string path, string name, string what, bool tenantAdmins, Func<AdminCall, FleetItemId> find)
    {
        var answer = AdminFleetJson.Default.AdminFleetItem;
        routes.Map(
            new("GET", path, AdminRole.Viewer, $"read{name}", $"Returns the {what} as a fleet file has it, without secrets.")
            {
                TenantAdmins = tenantAdmins, ReturnsTag = true, Schema = name,
            },
            answer, async call => Show(call, await Read(call, find(call))));
        routes.Map(
            Change("PUT", path, $"put{name}", $"Makes or replaces the {what}. If-None-Match: * only makes it.") with
            {
                Query = Accounts(name), Statuses = [StatusCodes.Status200OK, StatusCodes.Status201Created], TagException = "with If-None-Match",
            },
            answer, call => ChangeItem(call, FleetEditAction.Put, find(call)));
        routes.Map(
            Change("PATCH", path, $"patch{name}", $"Changes members of the {what}, as a JSON merge patch.") with
            {
                Query = Accounts(name), BodyTypes = ["application/merge-patch+json", "application/json"],
            },
            answer, call => ChangeItem(call, FleetEditAction.Patch, find(call)));
        routes.Map(
            Change("DELETE", path, $"delete{name}", $"Deletes the {what}; if the fleet file declares it, makes it what the file says.") with { Body = null },
            answer, call => ChangeItem(call, FleetEditAction.Delete, find(call)));
        routes.Map(
            Change("POST", $"{path}/release", $"release{name}", $"Lets the API change the {what}, which the fleet file declares.") with
            {
                Body = null, HasTag = false,
            },
            answer, call => ChangeItem(call, FleetEditAction.Release, find(call)));

        AdminOperation Change(string method, string pattern, string id, string summary) => new(method, pattern, AdminRole.Operator, id, summary)
        {
            TenantAdmins = tenantAdmins, HasTag = true, ReturnsTag = true, Schema = name, Body = typeof(JsonElement),
        };
    }

    /// <summary>Returns a page of things.</summary>
    public static async Task<AdminPage<AdminFleetItem>> List(AdminCall call, FleetItemKind kind, string? tenantId)
    {
        var (after, limit) = (call.After, call.Limit);
        var page = await Ask(call, isChange: false, () => Catalog(call).ListItems(kind, tenantId, after, limit));
        return new AdminPage<AdminFleetItem>([.. page.Items.Select(Convert)], page.Next);
    }

    /// <summary>Makes a change, with an entry in the audit log, and waits until this process uses it.</summary>
    public static Task<FleetEdited> Apply(AdminCall call, FleetEdit edit, IReadOnlyList<string> fields) =>
        Ask(call, isChange: true, () => Commit(call, edit, fields));

    private static async Task<FleetEdited> Commit(AdminCall call, FleetEdit edit, IReadOnlyList<string> fields)
    {
        var target = new AuditTarget(WireName.Of(edit.Item.Kind), edit.Item.NameOrId(), TenantOf(edit.Item)) { Fields = fields };
        var edited = await call.Audited(target, () => Catalog(call).Change(edit));
        await Use(call, edited.Version);
        return edited;
    }

    /// <summary>
    /// Waits until this process uses a version of the fleet. If the catalog does not answer, the process uses it later: the change was made, and its answer may
    /// have the text of a new key.
    /// </summary>
    public static async Task Use(AdminCall call, long version)
    {
        if (call.Fleet.Version >= version) return;
        try
        {
            await call.Fleet.Refresh(call.Aborted);
        }
        catch (ClusterException exception)
        {
            LogNotRefreshed(call.Logger, exception, version);
        }
    }

    /// <summary>Answers with status 201 and the path of the new thing.</summary>
    public static void SetCreated(AdminCall call, FleetItemId item)
    {
        var path = item.Kind switch
        {
            FleetItemKind.Settings => "/fleet/settings",
            FleetItemKind.Key => $"/fleet/tenants/{item.TenantOfKey()}/keys/{Uri.EscapeDataString(item.NameOfKey())}",
            _ => $"{Kinds.Single(kind => kind.Kind == item.Kind).Path}/{Uri.EscapeDataString(item.Id)}",
        };
        call.Context.Response.StatusCode = StatusCodes.Status201Created;
        call.Context.Response.Headers.Location = AdminApi.Prefix + path;
    }

    /// <summary>An edit by the key of the request.</summary>
    public static FleetEdit Edit(AdminCall call, FleetEditAction action, FleetItemId item) => new(action, item, $"{call.Key.TenantId}/{call.Key.Name}")
    {
        IsByOwner = call.Key.Role == AdminRole.Owner,
        AllowsUserAccounts = call.Flag("allow_user_accounts"),
    };

    /// <summary>The answer that shows a thing, with its version as the ETag.</summary>
    public static AdminFleetItem Show(AdminCall call, FleetItem item)
    {
        call.SetTag(item.Version.ToString(CultureInfo.InvariantCulture));
        return Convert(item);
    }

    /// <summary>The version that the client expects; see <see cref="FleetEdit.Expected"/>.</summary>
    /// <param name="call">The request.</param>
    /// <param name="mayBeNew">Whether the client may expect that the thing does not exist, with <c>If-None-Match: *</c>.</param>
    public static long ReadVersion(AdminCall call, bool mayBeNew)
    {
        if (call.Context.Request.Headers.IfNoneMatch.ToString().Trim() is { Length: > 0 } none)
        {
            if (!mayBeNew) throw AdminCall.Invalid("If-None-Match", "is only for PUT. Send If-Match");
            return none == "*" ? FleetEdit.New : throw AdminCall.Invalid("If-None-Match", "is not *");
        }
        if (call.ReadTag() is not { } tag) return FleetEdit.AnyVersion;
        return long.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 0 ? version : throw AdminCall.Changed();
    }

    public static ICatalogGrain Catalog(AdminCall call) => call.Grains.Grain<ICatalogGrain>(GrainKeys.Catalog);

    /// <summary>The content of a change, and the names of its members for the audit log.</summary>
    public static ValueTask<(string Json, IReadOnlyList<string> Fields)> ReadContent(AdminCall call) => JsonBody.Read(call.Context, MaxBody, static (body, _) =>
    {
        Check(body);
        IReadOnlyList<string> fields = [.. body.EnumerateObject().Select(member => member.Name).Where(IsName).Take(MaxFields)];
        return (body.GetRawText(), fields);
    });

    /// <summary>Refuses a body in which an object has two members with the same name, because readers use either one.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it names the member.</exception>
    /// <exception cref="InvalidOperationException">A text is not valid Unicode. <see cref="JsonBody"/> reports it.</exception>
    public static void Check(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var names = new HashSet<string>();
                foreach (var member in value.EnumerateObject())
                {
                    if (!names.Add(member.Name)) throw AdminCall.Invalid(IsName(member.Name) ? member.Name : "", "is given more than once");
                    Check(member.Value);
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) Check(item);
                break;
            case JsonValueKind.String:
                value.GetString();
                break;
        }
    }

    private static async Task<AdminFleetItem> ChangeItem(AdminCall call, FleetEditAction action, FleetItemId item)
    {
        var edit = Edit(call, action, item);
        IReadOnlyList<string> fields = [];
        if (action != FleetEditAction.Release) edit = edit with { Expected = ReadVersion(call, mayBeNew: action == FleetEditAction.Put) };
        if (action is FleetEditAction.Put or FleetEditAction.Patch)
        {
            if (action == FleetEditAction.Put && item.Kind == FleetItemKind.Key) FleetKeysApi.CheckName(item.NameOfKey());
            (var json, fields) = await ReadContent(call);
            edit = edit with { Json = json };
        }
        var edited = await Apply(call, edit, fields);
        if (edit.Expected == FleetEdit.New) SetCreated(call, item);
        return edited.Item is { } shown ? Show(call, shown) : new AdminFleetItem(item.NameOrId(), null, "deleted", InFile: false);
    }

    private static async Task<FleetItem> Read(AdminCall call, FleetItemId item) =>
        await Ask(call, isChange: false, () => Catalog(call).ReadItem(item)) ?? throw AdminCall.Unknown(WireName.Of(item.Kind));

    /// <summary>Calls the catalog. The calls of tenant admins wait in a queue.</summary>
    private static Task<T> Ask<T>(AdminCall call, bool isChange, Func<Task<T>> ask) => call.OnlyTenant is { } tenant
        ? call.Context.RequestServices.GetRequiredService<FleetCallQueue>().Run(tenant, isChange, ask, call.Aborted)
        : ask();

    private static AdminFleetItem Convert(FleetItem item) =>
        new(item.Id.NameOrId(), item.Version, item.IsManaged ? "api" : "file", item.IsInFile)
        {
            ManagedAt = item.ManagedAt?.UtcDateTime,
            ManagedBy = item.ManagedBy,
            Content = JsonElement.Parse(item.Json),
        };

    private static string? TenantOf(FleetItemId item) => item.Kind switch
    {
        FleetItemKind.Key => item.TenantOfKey(),
        FleetItemKind.Tenant => item.Id,
        _ => null,
    };

    private static IReadOnlyList<(string, string)> Accounts(string name) =>
        name == "FleetAccount" ? [("allow_user_accounts", "true: the account may be the user account of a person.")] : [];

    // A member that is not known may be a secret in the wrong place.
    private static bool IsName(string name) => name.Length <= 40 && name.All(c => char.IsAsciiLetterLower(c) || c == '_');

    [LoggerMessage(45, LogLevel.Warning, "The catalog did not answer, so this process does not use version {Version} of the fleet yet")]
    private static partial void LogNotRefreshed(ILogger logger, Exception exception, long version);
}
