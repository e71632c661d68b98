using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// A session of one bot and shard, with its numbered events. An identify creates it, and a resume continues it. Guarded by
/// <see cref="DiscordState.Gate"/>.
/// </summary>
internal sealed class GatewaySession(string id, DiscordUser user, Intents intents, int shard, int shards, int bufferSize)
{
    private readonly Queue<(long Sequence, byte[] Frame)> _sent = new();

    public string Id => id;

    public DiscordUser User => user;

    public Intents Intents => intents;

    public int Shard => shard;

    public int Shards => shards;

    /// <summary>Whether the session has the message content intent.</summary>
    public bool CanReadContent => intents.HasFlag(Intents.MessageContent);

    /// <summary>The sequence number of the last event.</summary>
    public long Sequence { get; private set; }

    /// <summary>The current socket. Null while the session waits for a resume.</summary>
    public GatewayConnection? Connection { get; set; }

    /// <summary>When the session lost its socket.</summary>
    public DateTimeOffset DetachedAt { get; set; }

    /// <summary>Whether the guild belongs to the session's shard.</summary>
    public bool IncludesGuild(DiscordGuild guild) => (guild.Id >> 22) % (ulong)shards == (ulong)shard;

    /// <summary>Sends an event and stores it for a resume.</summary>
    public void Dispatch(string type, JsonObject data) => Dispatch(type, DiscordJson.Bytes(data));

    public void Dispatch(string type, ReadOnlySpan<byte> data)
    {
        var frame = CreateFrame(++Sequence, type, data);
        _sent.Enqueue((Sequence, frame));
        if (_sent.Count > bufferSize) _sent.Dequeue();
        Connection?.Send(frame);
    }

    /// <summary>Sends the events after <paramref name="sequence"/> again.</summary>
    /// <returns>The number of events, or -1 when some of them are no longer stored.</returns>
    public int Replay(long sequence)
    {
        if (_sent.TryPeek(out var oldest) ? oldest.Sequence > sequence + 1 : Sequence > sequence) return -1;
        var missed = _sent.Where(entry => entry.Sequence > sequence).ToList();
        foreach (var entry in missed) Connection!.Send(entry.Frame);
        return missed.Count;
    }

    private static byte[] CreateFrame(long sequence, string type, ReadOnlySpan<byte> data)
    {
        var buffer = new ArrayBufferWriter<byte>(data.Length + 64);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("t", type);
            writer.WriteNumber("s", sequence);
            writer.WriteNumber("op", (int)GatewayOpcode.Dispatch);
            writer.WritePropertyName("d");
            writer.WriteRawValue(data, skipInputValidation: true);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>An event for the sessions that can see <paramref name="channel"/> and have the intents that it requires.</summary>
internal sealed class GatewayEvent(string type, Intents required, DiscordChannel channel, JsonObject data)
{
    private byte[]? _bytes;

    public string Type => type;

    /// <summary>The data for users without the message content intent. Null: all users get the same data.</summary>
    public IReadOnlyDictionary<DiscordUser, JsonObject>? Redacted { get; init; }

    /// <summary>The only user that receives the event. Null: all users.</summary>
    public DiscordUser? OnlyFor { get; init; }

    /// <summary>The data for a session. Null: the session does not receive the event.</summary>
    public byte[]? GetData(GatewaySession session)
    {
        if (!session.Intents.HasFlag(required) || OnlyFor is not null && OnlyFor != session.User || !session.IncludesGuild(channel.Guild)) return null;
        if (!Permissions.In(channel, session.User).HasFlag(Permission.ViewChannel)) return null;
        if (Redacted is null || session.CanReadContent) return _bytes ??= DiscordJson.Bytes(data);
        return Redacted.TryGetValue(session.User, out var redacted) ? DiscordJson.Bytes(redacted) : null;
    }
}
