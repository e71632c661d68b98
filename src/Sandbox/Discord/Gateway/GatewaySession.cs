using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// What an identify began and a resume goes on with: the numbered events of one bot and shard. Guarded by the world's gate.
/// </summary>
internal sealed class GatewaySession(string id, DiscordUser user, Intents intents, int shard, int shards, int buffer)
{
    private readonly Queue<(long Number, byte[] Frame)> _sent = new();

    public string Id => id;

    public DiscordUser User => user;

    public Intents Intents => intents;

    public int Shard => shard;

    public int Shards => shards;

    public bool ReadsContent => intents.HasFlag(Intents.MessageContent);

    public long Number { get; private set; }

    /// <summary>The socket that serves it; null while it waits for a resume.</summary>
    public GatewayConnection? Connection { get; set; }

    public DateTimeOffset DetachedAt { get; set; }

    /// <summary>Whether the guild lies on this session's shard.</summary>
    public bool Serves(DiscordGuild guild) => (guild.Id >> 22) % (ulong)shards == (ulong)shard;

    public void Dispatch(string type, JsonObject data) => Dispatch(type, DiscordJson.Bytes(data));

    public void Dispatch(string type, ReadOnlySpan<byte> data)
    {
        var frame = Frame(++Number, type, data);
        _sent.Enqueue((Number, frame));
        if (_sent.Count > buffer) _sent.Dequeue();
        Connection?.Send(frame);
    }

    /// <summary>Sends again what came after <paramref name="number"/>.</summary>
    /// <returns>How many events, or -1 when some of them are forgotten.</returns>
    public int Replay(long number)
    {
        if (_sent.TryPeek(out var oldest) ? oldest.Number > number + 1 : Number > number) return -1;
        var missed = _sent.Where(entry => entry.Number > number).ToList();
        foreach (var entry in missed) Connection!.Send(entry.Frame);
        return missed.Count;
    }

    private static byte[] Frame(long number, string type, ReadOnlySpan<byte> data)
    {
        var buffer = new ArrayBufferWriter<byte>(data.Length + 64);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("t", type);
            writer.WriteNumber("s", number);
            writer.WriteNumber("op", 0);
            writer.WritePropertyName("d");
            writer.WriteRawValue(data, skipInputValidation: true);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
