using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Discord;

/// <summary>A simple gateway client. It returns the received payloads in order.</summary>
internal sealed class GatewayClient : IAsyncDisposable
{
    /// <summary>GUILDS, GUILD_MESSAGES, GUILD_MESSAGE_TYPING and MESSAGE_CONTENT.</summary>
    public const int AllIntents = 1 | 512 | 2048 | 32768;

    private readonly ClientWebSocket _socket;
    private readonly CancellationToken _timeoutToken;
    private readonly MemoryStream _compressed = new();
    private readonly ZLibStream? _inflater;
    private readonly bool _zlibStream;

    private GatewayClient(ClientWebSocket socket, bool zlibStream, CancellationToken timeoutToken)
    {
        (_socket, _zlibStream, _timeoutToken) = (socket, zlibStream, timeoutToken);
        if (zlibStream) _inflater = new ZLibStream(_compressed, CompressionMode.Decompress);
    }

    public JsonNode Ready { get; set; } = new JsonObject();

    /// <summary>The last received sequence number.</summary>
    public long Sequence { get; private set; }

    /// <summary>The received frames, without decompression.</summary>
    public List<byte[]> Frames { get; } = [];

    public static async Task<GatewayClient> ConnectAsync(Uri uri, CancellationToken timeoutToken)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(uri, timeoutToken);
        return new GatewayClient(socket, uri.Query.Contains("zlib-stream"), timeoutToken);
    }

    public Task SendAsync(int op, JsonNode? data) => SendAsync(new JsonObject { ["op"] = op, ["d"] = data }.ToJsonString());

    public Task SendAsync(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text).AsMemory(), WebSocketMessageType.Text, true, _timeoutToken).AsTask();

    public Task IdentifyAsync(string token, int intents = AllIntents, JsonArray? shard = null, bool compress = false)
    {
        var data = new JsonObject { ["token"] = token, ["intents"] = intents, ["properties"] = new JsonObject { ["os"] = "test" }, ["compress"] = compress };
        if (shard is not null) data["shard"] = shard;
        return SendAsync(2, data);
    }

    public Task ResumeAsync(string token, GatewayClient earlier, long? sequence = null) => SendAsync(6, new JsonObject
    {
        ["token"] = token, ["session_id"] = earlier.Ready["session_id"]!.GetValue<string>(), ["seq"] = sequence ?? earlier.Sequence,
    });

    /// <summary>The next payload. Null: the socket is closed; see <see cref="CloseCode"/>.</summary>
    public async Task<JsonNode?> NextAsync()
    {
        var buffer = new byte[64 * 1024];
        using var frame = new MemoryStream();
        while (true)
        {
            ValueWebSocketReceiveResult part;
            try
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(), _timeoutToken);
            }
            catch (WebSocketException)
            {
                return null;
            }
            if (part.MessageType == WebSocketMessageType.Close) return null;
            frame.Write(buffer, 0, part.Count);
            if (!part.EndOfMessage) continue;
            Frames.Add(frame.ToArray());
            var payload = JsonNode.Parse(Decode(frame.ToArray(), part.MessageType == WebSocketMessageType.Binary))!;
            if (payload["s"] is { } s) Sequence = s.GetValue<long>();
            return payload;
        }
    }

    /// <summary>Skips payloads until one has this opcode.</summary>
    public async Task<JsonNode> NextOpAsync(int op)
    {
        while (true)
        {
            var payload = await NextAsync() ?? throw new InvalidOperationException($"closed with {CloseCode} before op {op}");
            if (payload["op"]!.GetValue<int>() == op) return payload;
        }
    }

    /// <summary>Skips payloads until an event of this type, and returns its data.</summary>
    public async Task<JsonNode> NextEventAsync(string type)
    {
        while (true)
        {
            var payload = await NextOpAsync(0);
            if (payload["t"]!.GetValue<string>() == type) return payload["d"]!;
        }
    }

    /// <summary>Reads until the socket is closed.</summary>
    /// <returns>The close code. Null: the connection was aborted.</returns>
    public async Task<int?> CloseCodeAsync()
    {
        while (await NextAsync() is not null) { }
        return CloseCode;
    }

    public int? CloseCode => (int?)_socket.CloseStatus;

    public Task CloseAsync(int code) => _socket.CloseOutputAsync((WebSocketCloseStatus)code, null, _timeoutToken);

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _inflater?.Dispose();
        return ValueTask.CompletedTask;
    }

    private byte[] Decode(byte[] frame, bool binary)
    {
        if (!binary) return frame;
        using var plain = new MemoryStream();
        if (!_zlibStream)
        {
            using var whole = new ZLibStream(new MemoryStream(frame), CompressionMode.Decompress);
            whole.CopyTo(plain);
            return plain.ToArray();
        }
        _compressed.SetLength(0);
        _compressed.Write(frame);
        _compressed.Position = 0;
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = _inflater!.Read(buffer)) > 0) plain.Write(buffer, 0, read);
        return plain.ToArray();
    }
}
