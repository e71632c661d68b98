using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// <c>/admin/v1/fleet/tenants/{tenant}/keys</c>: the API keys of a tenant. The text of a key is only in the answer to the request that makes it.
/// </summary>
internal static class FleetKeysApi
{
    private const string Path = "/fleet/tenants/{tenant}/keys";

    private static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(90);

    public static void Map(AdminRoutes routes)
    {
        var made = AdminFleetJson.Default.AdminMadeKey;
        routes.Map(
            new("GET", Path, AdminRole.Viewer, "listFleetKeys", "Lists the API keys of a tenant, without the keys themselves.")
            {
                IsList = true, TenantAdmins = true,
            },
            AdminFleetJson.Default.AdminPageAdminFleetItem, call => FleetItemsApi.List(call, FleetItemKind.Key, TenantOf(call)));
        routes.Map(
            new("POST", Path, AdminRole.Operator, "createFleetKey", "Makes an API key. The answer, status 201, is the only place that shows it.")
            {
                TenantAdmins = true, Body = typeof(JsonElement),
            },
            made, Create);
        FleetItemsApi.MapItem(routes, Path + "/{name}", "FleetKey", "API key", tenantAdmins: true, ItemOf);
        routes.Map(
            new("POST", Path + "/{name}/rotate", AdminRole.Operator, "rotateFleetKey", "Replaces an API key by a new one. The old one stays valid for a while.")
            {
                TenantAdmins = true, HasTag = true, Query = [("overlap", "How long the old key stays valid, 0s to 90d. Default 24h.")],
            },
            made, Rotate);
    }

    private static async Task<AdminMadeKey> Create(AdminCall call)
    {
        var tenant = TenantOf(call);
        var (json, fields) = await FleetItemsApi.ReadContent(call);
        var content = JsonNode.Parse(json)!.AsObject();
        if (content["name"] is not JsonValue given || given.GetValueKind() != JsonValueKind.String || given.GetValue<string>() is not { Length: > 0 } name)
            throw AdminCall.Invalid("name", "is missing, or is not a text");
        if (content.ContainsKey("key") || content.ContainsKey("hash")) throw AdminCall.Invalid("key", "is made by the server");
        var (key, item) = (NewApiKey.Create(), FleetItemId.Key(tenant, name));
        var edit = FleetItemsApi.Edit(call, FleetEditAction.Put, item) with { Json = json, Key = key.Stored, Expected = FleetEdit.New };
        var edited = await FleetItemsApi.Apply(call, edit, fields);
        call.Context.Response.StatusCode = StatusCodes.Status201Created;
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
            Key = key.Stored, Overlap = overlap, Expected = FleetItemsApi.ReadVersion(call),
        };
        var edited = await FleetItemsApi.Apply(call, edit, []);
        return new AdminMadeKey(key.Text, FleetItemsApi.Show(call, edited.Item!));
    }

    private static FleetItemId ItemOf(AdminCall call) => FleetItemId.Key(TenantOf(call), call.Path("name"));

    private static string TenantOf(AdminCall call)
    {
        var tenant = call.Path("tenant");
        call.RequireTenant(tenant, "tenant");
        return call.Fleet.FindTenant(tenant) is not null ? tenant : throw AdminCall.Unknown("tenant");
    }
}
