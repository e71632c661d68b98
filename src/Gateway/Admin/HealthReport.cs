using System.Text.Json;

namespace CozeCluster.Gateway.Admin;

/// <summary>Writes how the fleet stands.</summary>
internal static class HealthReport
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<HealthEntry> entries)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "list"u8);
        writer.WriteStartArray("data"u8);
        foreach (var entry in entries) Write(writer, entry);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, HealthEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("kind"u8, WireName.Of(entry.Kind));
        writer.WriteString("id"u8, entry.Id);
        writer.WriteString("state"u8, WireName.Of(entry.State));
        writer.WriteString("reason"u8, entry.Reason);
        writer.WriteString("code"u8, entry.Code is { } code ? ErrorTable.Of(code).Name : null);
        Write(writer, "since"u8, entry.Since == default ? null : entry.Since);
        Write(writer, "until"u8, entry.Until);
        if (entry.KeepActive is { } kept)
        {
            writer.WriteStartObject("keep_active"u8);
            Write(writer, "at"u8, kept.At);
            writer.WriteString("error"u8, kept.Error);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? at)
    {
        if (at is { } there) writer.WriteString(name, there.UtcDateTime);
        else writer.WriteNull(name);
    }
}
