using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/fleet</c>: the whole fleet as a fleet file.</summary>
internal static class FleetApi
{
    // As long as a fleet file may be.
    private const int MaxDocument = 16 << 20;

    public static void Map(AdminRoutes routes)
    {
        routes.MapJson<JsonObject>(
            new("GET", "/fleet", AdminRole.Viewer, "exportFleet", "Returns the fleet as a fleet file in JSON, which is YAML too.")
            {
                ReturnsTag = true, Schema = FleetSchemas.Document,
                Query = [("secrets", "true: with the secrets. Only for owners, and recorded in the audit log. Default false.")],
            },
            Export);
        routes.Map(
            new("POST", "/fleet/import", AdminRole.Owner, "importFleet", "Makes the fleet what a fleet file in JSON or YAML says, and returns the differences.")
            {
                HasTag = true, TagException = "with dry_run=true", ReturnsTag = true, Schema = FleetSchemas.Document,
                Body = typeof(JsonElement), BodyTypes = ["application/json", "application/yaml", "text/yaml", "text/plain"],
                Query = [("dry_run", "true: changes nothing. Default false.")],
            },
            AdminFleetJson.Default.AdminFleetDifferences, Import);
    }

    private static async Task Export(AdminCall call)
    {
        var withSecrets = call.Flag("secrets");
        if (withSecrets && call.Key.Role != AdminRole.Owner)
            throw await call.Refuse("Only owners may export secrets.", "secrets");
        var catalog = FleetItemsApi.Catalog(call);
        var export = withSecrets
            ? await call.Audited(new AuditTarget("fleet", "", null) { Note = "with secrets" }, () => catalog.Export(withSecrets: true))
            : await catalog.Export(withSecrets: false);
        call.SetTag(export.Version.ToString(CultureInfo.InvariantCulture));
        await call.Context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(export.Json), call.Aborted);
    }

    private static async Task<AdminFleetDifferences> Import(AdminCall call)
    {
        var isDryRun = call.Flag("dry_run");
        // What a dry run has shown is only applied to the version that it was compared with.
        long? expected = isDryRun ? null : FleetItemsApi.ReadVersion(call, mayBeNew: false) is > 0 and var version ? version : null;
        var text = await JsonBody.ReadBytes(call.Context, MaxDocument, static bytes => Encoding.UTF8.GetString(bytes));
        var document = new FleetDocument(text, $"{call.Key.TenantId}/{call.Key.Name}")
        {
            Expected = expected, IsDryRun = isDryRun, ByKey = call.Key.Hash,
        };
        var catalog = FleetItemsApi.Catalog(call);
        var target = new AuditTarget("fleet", "", null) { Note = isDryRun ? "dry run" : null };
        var result = await call.Audited(target, () => catalog.ImportDocument(document));
        await FleetItemsApi.Use(call, result.Version);
        call.SetTag(result.Version.ToString(CultureInfo.InvariantCulture));
        var differences = result.Differences
            .Select(one => new AdminFleetDifference(WireName.Of(one.Item.Kind), one.Item.Id, WireName.Of(one.Change), one.Fields));
        return new AdminFleetDifferences(result.Version, [.. differences]);
    }
}
