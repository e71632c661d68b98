using System.Buffers;
using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>What is sent to the gateway.</summary>
internal static class GatewayCommands
{
    /// <summary>Op 1.</summary>
    public static byte[] Heartbeat(long? sequence) => Write(GatewayOp.Heartbeat, sequence, static (json, sequence) =>
    {
        if (sequence is { } number) json.WriteNumber("d"u8, number);
        else json.WriteNull("d"u8);
    });

    /// <summary>Op 2.</summary>
    public static byte[] Identify(DiscordGatewayOptions options) => Write(GatewayOp.Identify, options, static (json, options) =>
    {
        json.WriteStartObject("d"u8);
        json.WriteString("token"u8, options.Token);
        json.WriteNumber("intents"u8, (int)options.Intents);
        json.WriteStartObject("properties"u8);
        json.WriteString("os"u8, "linux"u8);
        json.WriteString("browser"u8, "CozeCluster"u8);
        json.WriteString("device"u8, "CozeCluster"u8);
        json.WriteEndObject();
        json.WriteStartArray("shard"u8);
        json.WriteNumberValue(options.Shard);
        json.WriteNumberValue(options.Shards);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Op 6.</summary>
    public static byte[] Resume(string token, string sessionId, long sequence) => Write(GatewayOp.Resume, (token, sessionId, sequence), static (json, resume) =>
    {
        json.WriteStartObject("d"u8);
        json.WriteString("token"u8, resume.token);
        json.WriteString("session_id"u8, resume.sessionId);
        json.WriteNumber("seq"u8, resume.sequence);
        json.WriteEndObject();
    });

    private static byte[] Write<T>(GatewayOp op, T value, Action<Utf8JsonWriter, T> data)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("op"u8, (int)op);
        data(json, value);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
