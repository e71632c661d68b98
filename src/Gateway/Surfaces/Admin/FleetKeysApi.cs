using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// <c>/admin/v1/fleet/tenants/{tenant}/keys</c>: the API keys of a tenant. The text of a key is only in the answer to the request that makes it.
/// </summary>
internal static class FleetKeysApi
{
    private const int MaxName = 100;
    private const string Path = "/fleet/tenants/{tenant}/keys";

    private static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(90);

    public static void Map(AdminRoutes routes)
    {
        var made = AdminFleetJson.Default.AdminMadeKey;
        routes.Map(
            new("GET", Path, AdminRole.Viewer, "listFleetKeys", "Lists the API keys of a tenant, without the keys themselves.")
            {
                IsList = true, TenantAdmins = true, Schema = FleetSchemas.Key,
            },
            AdminFleetJson.Default.AdminPageAdminFleetItem, call => FleetItemsApi.List(call, FleetItemKind.Key, TenantOf(call)));
        routes.Map(
            new("POST", Path, AdminRole.Operator, "createFleetKey", "Makes an API key. The answer, status 201, is the only place that shows it.")
            {
                TenantAdmins = true, Body = typeof(JsonElement), Statuses = [StatusCodes.Status201Created], ReturnsTag = true,
                Schema = FleetSchemas.Key, Makes = true,
            },
            made, Create);
        FleetItemsApi.MapItem(routes, Path + "/{name}", "FleetKey", "API key", tenantAdmins: true, ItemOf);
        routes.Map(
            new("POST", Path + "/{name}/rotate", AdminRole.Operator, "rotateFleetKey", "Replaces an API key by a new one. The old one stays valid for a while.")
            {
                TenantAdmins = true, HasTag = true, ReturnsTag = true, Schema = FleetSchemas.Key, Makes = true,
                Query =
                [
                    ("overlap", "How long the old key stays valid, 0s to 90d. Default 24h."),
                    ("lost", "true: if an overlap runs, replaces the newest key, which nobody has received; the one before stays valid. Default false."),
                ],
            },
            made, Rotate);
    }

    private static async Task<AdminMadeKey> Create(AdminCall call)
    {
        var tenant = TenantOf(call);
        var (json, fields) = await FleetItemsApi.ReadContent(call);
        var content = JsonNode.Parse(json)!.AsObject();
        if (content["name"] is not JsonValue given || given.GetValueKind() != JsonValueKind.String)
            throw AdminCall.Invalid("name", "is missing, or is not a text");
        var name = given.GetValue<string>();
        CheckName(name);
        if (content.ContainsKey("key") || content.ContainsKey("hash")) throw AdminCall.Invalid("key", "is made by the server");
        var (key, item) = (NewApiKey.Create(), FleetItemId.Key(tenant, name));
        var edit = FleetItemsApi.Edit(call, FleetEditAction.Put, item) with { Json = json, Key = key.Stored, Expected = FleetEdit.New };
        var edited = await FleetItemsApi.Apply(call, edit, fields);
        FleetItemsApi.SetCreated(call, item);
        return new AdminMadeKey(key.Text, FleetItemsApi.Show(call, edited.Item!));
    }

    private static async Task<AdminMadeKey> Rotate(AdminCall call)
    {
        var overlap = DefaultOverlap;
        if (call.Query("overlap") is { } text && (!Durations.TryParse(text, out overlap) || overlap > LongestOverlap))
            throw AdminCall.Invalid("overlap", $"is not {Durations.Expected}, or is longer than {Durations.Format(LongestOverlap)}");
        var key = NewApiKey.Create();
        var edit = FleetItemsApi.Edit(call, FleetEditAction.Rotate, ItemOf(call)) with
        {
            Key = key.Stored, Overlap = overlap, ReplacesLost = call.Flag("lost"), Expected = FleetItemsApi.ReadVersion(call, mayBeNew: false),
        };
        var edited = await FleetItemsApi.Apply(call, edit, []);
        return new AdminMadeKey(key.Text, FleetItemsApi.Show(call, edited.Item!));
    }

    /// <summary>Requires a name that a fleet file may give to a key.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it names the field <c>name</c>.</exception>
    public static void CheckName(string name)
    {
        if (name.Length is 0 or > MaxName || name.Any(char.IsControl) || name != name.Trim())
            throw AdminCall.Invalid("name", $"does not have 1 to {MaxName} characters, has control characters, or begins or ends with a space");
    }

    private static FleetItemId ItemOf(AdminCall call) => FleetItemId.Key(TenantOf(call), call.Path("name"));

    private static string TenantOf(AdminCall call)
    {
        var tenant = call.Path("tenant");
        call.RequireTenant(tenant, "tenant");
        return call.Fleet.FindTenant(tenant) is not null ? tenant : throw AdminCall.Unknown("tenant");
    }
}
