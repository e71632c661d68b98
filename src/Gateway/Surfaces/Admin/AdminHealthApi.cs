using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>GET /admin/health</c>: the health of every bot, account and listener of the fleet, for the whole cluster.</summary>
internal static class AdminHealthApi
{
    public static void MapAdminHealth(this IEndpointRouteBuilder routes) => routes.MapAdmin(
        "GET", "/admin/health", Read, "readHealth", "Returns the health of every bot, account and listener.", static operation =>
            operation.Responses!.Add("200", Schemas.Json("The health entries.", Schemas.List(EntrySchema()))));

    private static async Task Read(HttpContext context)
    {
        var entries = await context.RequestServices.GetRequiredService<IGrainFactory>().Grain<IHealthGrain>(GrainKeys.Health).List();
        await JsonBody.Write(context, entries, static (writer, entries) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, entries, WriteEntry);
            writer.WriteEndObject();
        });
    }

    private static OpenApiSchema EntrySchema() => Schemas.Object(
        null,
        ("kind", Schemas.String("bot, account or listener.")), ("id", Schemas.String()),
        ("state", Schemas.String("unknown, ok, connecting, cooling, set_aside or failing.")), ("reason", Schemas.String()), ("code", Schemas.String()),
        ("since", Schemas.String("ISO 8601.")), ("until", Schemas.String("ISO 8601: when it is tried again or available again.")),
        ("keep_active", Schemas.Object("The result of the last keep-active message.", ("at", Schemas.String()), ("error", Schemas.String()))));

    private static void WriteEntry(Utf8JsonWriter writer, HealthEntry entry)
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
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is { } value) writer.WriteString(name, value.UtcDateTime);
        else writer.WriteNull(name);
    }
}
