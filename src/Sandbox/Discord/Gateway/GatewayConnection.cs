using System.Net.WebSockets;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace CozeCluster.Sandbox.Discord;

/// <summary>One gateway socket: reads within Discord's limits, writes in order, watches the heartbeat.</summary>
internal sealed class GatewayConnection : IDisposable
{
    private const int PayloadBytes = 4096;
    private const int EventsPerMinute = 120;
    private static readonly TimeSpan CloseGrace = TimeSpan.FromSeconds(5);

    private readonly FakeDiscord _discord;
    private readonly WebSocket _socket;
    private readonly Channel<(byte[]? Payload, int Code)> _outbox = Channel.CreateUnbounded<(byte[]?, int)>(new() { SingleReader = true });
    private readonly CancellationTokenSource _cut = new();
    private readonly ITimer _heartbeat;
    private DateTimeOffset _minute;
    private int _inMinute;
    private volatile bool _closing;

    public GatewayConnection(FakeDiscord discord, WebSocket socket, bool zlibStream)
    {
        _discord = discord;
        _socket = socket;
        Codec = new FrameCodec(zlibStream);
        _heartbeat = discord.Time.CreateTimer(
            static state => ((GatewayConnection)state!).HeartbeatMissed(), this, 2 * discord.Options.HeartbeatInterval, Timeout.InfiniteTimeSpan);
    }

    public FrameCodec Codec { get; }

    public GatewaySession? Session { get; set; }

    /// <summary>A zombie's socket is open, but it neither acknowledges nor delivers.</summary>
    public bool IsZombie { get; set; }

    /// <summary>Serves the socket until it ends.</summary>
    /// <returns>The close code that was sent or received; 1006 for a cut connection.</returns>
    public async Task<int> RunAsync(CancellationToken aborted)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(aborted, _cut.Token);
        var writing = WriteAsync(ends.Token);
        SendOp(10, new JsonObject { ["heartbeat_interval"] = (int)_discord.Options.HeartbeatInterval.TotalMilliseconds });
        var received = 1006;
        try
        {
            received = await ReadAsync(ends.Token);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut: the code stays 1006.
        }
        _outbox.Writer.TryComplete();
        var sent = await writing;
        if (received == 1006) _socket.Abort();
        return sent ?? received;
    }

    /// <summary>Sends a payload that is no event.</summary>
    public void SendOp(int op, JsonNode? data) =>
        Send(DiscordJson.Bytes(new JsonObject { ["op"] = op, ["d"] = data, ["s"] = null, ["t"] = null }));

    public void Send(byte[] payload)
    {
        if (!IsZombie && !_closing) _outbox.Writer.TryWrite((payload, 0));
    }

    /// <summary>Closes after what is already queued.</summary>
    public void Close(int code)
    {
        lock (_discord.World.Gate)
        {
            if (_closing) return;
            _closing = true;
            _discord.Gateway.Detach(this, code);
            _outbox.Writer.TryWrite((null, code));
        }
    }

    public void Close(CloseCode code) => Close((int)code);

    /// <summary>Cuts the connection without a close code.</summary>
    public void Cut()
    {
        lock (_discord.World.Gate)
        {
            _closing = true;
            _discord.Gateway.Detach(this, 1006);
        }
        _cut.Cancel();
    }

    public void HeartbeatCame() => _heartbeat.Change(2 * _discord.Options.HeartbeatInterval, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _heartbeat.Dispose();
        Codec.Dispose();
        _cut.Dispose();
    }

    private void HeartbeatMissed()
    {
        if (!IsZombie) Close(CloseCode.TimedOut);
    }

    private async Task<int> ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[PayloadBytes + 1];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length = Math.Min(length + part.Count, PayloadBytes);
                if (length == PayloadBytes && !part.EndOfMessage) Close(CloseCode.Undecodable);
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close) return (int?)_socket.CloseStatus ?? 1005;
            if (_closing) continue;
            if (!CountEvent()) Close(CloseCode.RateLimited);
            else if (Decode(buffer.AsSpan(0, length)) is { } payload) _discord.Gateway.Receive(this, payload);
            else Close(CloseCode.Undecodable);
        }
    }

    private bool CountEvent()
    {
        var now = _discord.Time.GetUtcNow();
        if (now - _minute >= TimeSpan.FromMinutes(1)) (_minute, _inMinute) = (now, 0);
        return ++_inMinute <= EventsPerMinute;
    }

    private static JsonObject? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonNode.Parse(bytes) as JsonObject;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <returns>The close code sent, if one was.</returns>
    private async Task<int?> WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var (payload, code) in _outbox.Reader.ReadAllAsync(cancellationToken))
            {
                if (payload is null)
                {
                    await _socket.CloseOutputAsync((WebSocketCloseStatus)code, "sandbox", cancellationToken);
                    _ = CutAfterGraceAsync(cancellationToken);
                    return code;
                }
                var type = Codec.IsBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
                await _socket.SendAsync(Codec.Encode(payload), type, endOfMessage: true, cancellationToken);
            }
            if (_socket.State == WebSocketState.CloseReceived) await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side is gone; the reader sees it too.
        }
        return null;
    }

    /// <summary>A client that does not answer a close is cut off.</summary>
    private async Task CutAfterGraceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(CloseGrace, TimeProvider.System, cancellationToken);
            await _cut.CancelAsync();
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The socket ended by itself.
        }
    }
}
