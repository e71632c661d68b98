using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>How values look on the wire: ids and permission sets as decimal strings, times as ISO 8601.</summary>
internal static class DiscordJson
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Bytes(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            if (node is null) writer.WriteNullValue();
            else node.WriteTo(writer);
        }
        return buffer.WrittenSpan.ToArray();
    }

    public static JsonNode? Id(ulong? id) => id is { } value ? value.ToString() : null;

    public static JsonNode? Time(DateTimeOffset? time) => time is { } value ? value.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffffzzz") : null;

    public static JsonArray Array(IEnumerable<JsonNode?> nodes) => [.. nodes];

    /// <summary>A copy that can be put under another parent.</summary>
    public static JsonNode Copy(this JsonNode node) => node.DeepClone();
}
