using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// <c>GET /admin/health</c>: the health of every bot, account and listener of the fleet, for the whole cluster; and which version of the fleet this node and
/// the other processes of the cluster use.
/// </summary>
internal static class AdminHealthApi
{
    public static void MapAdminHealth(this IEndpointRouteBuilder routes) => routes.MapViewer(
        "GET", "/admin/health", Read, "readHealth", "Returns the health of every bot, account and listener.", static operation =>
            operation.Responses!.Add("200", Schemas.Json("The health entries.", HealthSchema())));

    private static async Task Read(HttpContext context)
    {
        var call = new AdminCall(context);
        var entries = await call.Grains.Grain<IHealthGrain>(GrainKeys.Health).List();
        var status = await AdminHealthReads.Try(call, () => call.Grains.Grain<ICatalogGrain>(GrainKeys.Catalog).GetStatus());
        await JsonBody.Write(context, (entries, view: call.Fleet, status), static (writer, health) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, health.entries, (json, entry) => WriteEntry(json, entry, health.view));
            WriteFleet(writer, health.view, health.status);
            writer.WriteEndObject();
        });
    }

    private static OpenApiSchema HealthSchema()
    {
        var schema = Schemas.List(EntrySchema());
        schema.Properties!["fleet"] = Schemas.Object(
            "The fleet as this node knows it.",
            ("version", Schemas.Integer("The version that this node uses.")),
            ("state", Schemas.String("loading, current, degraded (not confirmed for some seconds) or stale (refused).")),
            ("confirmed_at", Schemas.String("ISO 8601: when the catalog last confirmed it.")),
            ("processes", Schemas.Integer("How many processes of the cluster use the fleet; null if the catalog does not answer.")),
            ("unconfirmed", Schemas.Array(Schemas.Object(
                "A process that uses an older version.", ("process", Schemas.String()), ("version", Schemas.Integer()), ("confirmed_at", Schemas.String())))));
        return schema;
    }

    private static OpenApiSchema EntrySchema() => Schemas.Object(
        null,
        ("kind", Schemas.String("bot, account or listener.")), ("id", Schemas.String()),
        ("state", Schemas.String("unknown, ok, connecting, cooling, set_aside or failing.")), ("reason", Schemas.String()), ("code", Schemas.String()),
        ("since", Schemas.String("ISO 8601.")), ("until", Schemas.String("ISO 8601: when it is tried again or available again.")),
        ("warning", Schemas.String("Why a bot can get no replies as the fleet declares it; not present otherwise.")),
        ("keep_active", Schemas.Object("The result of the last keep-active message.", ("at", Schemas.String()), ("error", Schemas.String()))));

    private static void WriteEntry(Utf8JsonWriter writer, HealthEntry entry, IFleetView view)
    {
        writer.WriteStartObject();
        writer.WriteString("kind"u8, WireName.Of(entry.Kind));
        writer.WriteString("id"u8, entry.Id);
        writer.WriteString("state"u8, WireName.Of(entry.State));
        writer.WriteString("reason"u8, entry.Reason);
        writer.WriteString("code"u8, entry.Code is { } code ? ErrorTable.Of(code).Name : null);
        WriteTime(writer, "since"u8, entry.Since == default ? null : entry.Since);
        WriteTime(writer, "until"u8, entry.Until);
        if (entry.KeepActive is { } keepActive)
        {
            writer.WriteStartObject("keep_active"u8);
            WriteTime(writer, "at"u8, keepActive.At);
            writer.WriteString("error"u8, keepActive.Error);
            writer.WriteEndObject();
        }
        if (entry.Kind == HealthKind.Bot && view.FindBot(entry.Id) is { } bot && BotAccounts.WarningOf(bot, view.FindAccount) is { } warning)
            writer.WriteString("warning"u8, warning);
        writer.WriteEndObject();
    }

    private static void WriteFleet(Utf8JsonWriter writer, IFleetView view, FleetStatus? status)
    {
        writer.WriteStartObject("fleet"u8);
        writer.WriteNumber("version"u8, view.Version);
        writer.WriteString("state"u8, WireName.Of(view.Status.State));
        WriteTime(writer, "confirmed_at"u8, view.Status.ConfirmedAt);
        if (status is null) writer.WriteNull("processes"u8);
        else writer.WriteNumber("processes"u8, status.Processes.Count);
        writer.WriteStartArray("unconfirmed"u8);
        foreach (var process in status?.Processes.Where(process => process.Version < status.Version) ?? [])
        {
            writer.WriteStartObject();
            writer.WriteString("process"u8, process.Id);
            writer.WriteNumber("version"u8, process.Version);
            WriteTime(writer, "confirmed_at"u8, process.ConfirmedAt);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is { } value) writer.WriteString(name, value.UtcDateTime);
        else writer.WriteNull(name);
    }
}
