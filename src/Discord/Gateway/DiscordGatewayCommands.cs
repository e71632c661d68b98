using System.Buffers;
using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>The payloads that a client sends to Discord's gateway.</summary>
internal static class DiscordGatewayCommands
{
    /// <summary>Opcode 1.</summary>
    public static byte[] Heartbeat(long? sequence) => Write(DiscordGatewayOp.Heartbeat, sequence, static (json, sequence) =>
    {
        if (sequence is { } number) json.WriteNumber("d"u8, number);
        else json.WriteNull("d"u8);
    });

    /// <summary>Opcode 2.</summary>
    public static byte[] Identify(DiscordGatewayOptions options) => Write(DiscordGatewayOp.Identify, options, static (json, options) =>
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

    /// <summary>Opcode 6.</summary>
    public static byte[] Resume(string token, string sessionId, long sequence)
    {
        return Write(DiscordGatewayOp.Resume, (token, sessionId, sequence), static (json, session) =>
        {
            json.WriteStartObject("d"u8);
            json.WriteString("token"u8, session.token);
            json.WriteString("session_id"u8, session.sessionId);
            json.WriteNumber("seq"u8, session.sequence);
            json.WriteEndObject();
        });
    }

    private static byte[] Write<T>(DiscordGatewayOp op, T value, Action<Utf8JsonWriter, T> writeData)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("op"u8, (int)op);
        writeData(json, value);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
