using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>The opcodes of Discord's gateway.</summary>
internal enum DiscordGatewayOp
{
    Dispatch = 0,
    Heartbeat = 1,
    Identify = 2,
    Resume = 6,
    Reconnect = 7,
    InvalidSession = 9,
    Hello = 10,
    HeartbeatAck = 11,
}

/// <summary>The dispatches that this project reads.</summary>
internal enum DispatchType
{
    /// <summary>Any other dispatch.</summary>
    Other,
    Ready,
    Resumed,
    MessageCreate,
    MessageUpdate,
    MessageDelete,
    MessageDeleteBulk,
    TypingStart,
    GuildCreate,
    GuildDelete,
}

/// <summary>A payload <c>{op, d, s, t}</c>. The data is not parsed and not copied.</summary>
/// <param name="op">The opcode.</param>
/// <param name="sequence">A dispatch's number.</param>
/// <param name="type">A dispatch's type.</param>
/// <param name="data">The JSON of <c>d</c>; empty if there is none.</param>
internal readonly ref struct DiscordGatewayPayload(int op, long? sequence, DispatchType type, ReadOnlySpan<byte> data)
{
    public DiscordGatewayOp Op => (DiscordGatewayOp)op;

    public long? Sequence => sequence;

    public DispatchType Type => type;

    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>Reads a payload without parsing its data.</summary>
    /// <exception cref="JsonException">It is not JSON, not an object, or has no opcode.</exception>
    public static DiscordGatewayPayload Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("The payload is not an object.");
        int? op = null;
        long? sequence = null;
        var type = DispatchType.Other;
        ReadOnlySpan<byte> data = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("op"u8))
            {
                reader.Read();
                op = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number : null;
            }
            else if (reader.ValueTextEquals("s"u8))
            {
                reader.Read();
                sequence = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) ? number : null;
            }
            else if (reader.ValueTextEquals("t"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.String) type = TypeOf(ref reader);
            }
            else
            {
                var isData = reader.ValueTextEquals("d"u8);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isData) data = json[start..(int)reader.BytesConsumed];
            }
        }
        return new DiscordGatewayPayload(op ?? throw new JsonException("The payload has no opcode."), sequence, type, data);
    }

    private static DispatchType TypeOf(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("MESSAGE_UPDATE"u8)) return DispatchType.MessageUpdate;
        if (reader.ValueTextEquals("MESSAGE_CREATE"u8)) return DispatchType.MessageCreate;
        if (reader.ValueTextEquals("TYPING_START"u8)) return DispatchType.TypingStart;
        if (reader.ValueTextEquals("MESSAGE_DELETE"u8)) return DispatchType.MessageDelete;
        if (reader.ValueTextEquals("MESSAGE_DELETE_BULK"u8)) return DispatchType.MessageDeleteBulk;
        if (reader.ValueTextEquals("GUILD_CREATE"u8)) return DispatchType.GuildCreate;
        if (reader.ValueTextEquals("GUILD_DELETE"u8)) return DispatchType.GuildDelete;
        if (reader.ValueTextEquals("READY"u8)) return DispatchType.Ready;
        return reader.ValueTextEquals("RESUMED"u8) ? DispatchType.Resumed : DispatchType.Other;
    }
}
