using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace CozeCluster.Sandbox.Discord;

/// <summary>One socket of Discord's gateway. It enforces Discord's limits on payloads, sends in order, and checks the heartbeat.</summary>
internal sealed class GatewayConnection : IDisposable
{
    private const int MaxPayloadBytes = 4096;
    private const int MaxPayloadsPerMinute = 120;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly FakeDiscord _discord;
    private readonly WebSocket _socket;
    private readonly Channel<(byte[]? Payload, int Code)> _outbox = Channel.CreateUnbounded<(byte[]?, int)>(new() { SingleReader = true });
    private readonly CancellationTokenSource _abort = new();
    private readonly ITimer _heartbeatTimer;
    private DateTimeOffset _minuteStart;
    private int _payloadsInMinute;
    private volatile bool _closing;

    public GatewayConnection(FakeDiscord discord, WebSocket socket, bool zlibStream)
    {
        _discord = discord;
        _socket = socket;
        Codec = new FrameCodec(zlibStream);
        _heartbeatTimer = discord.Time.CreateTimer(
            static state => ((GatewayConnection)state!).OnHeartbeatMissed(), this, 2 * discord.Options.HeartbeatInterval, Timeout.InfiniteTimeSpan);
    }

    public FrameCodec Codec { get; }

    public GatewaySession? Session { get; set; }

    /// <summary>True: the socket is open, but it acknowledges and delivers nothing.</summary>
    public bool IsZombie { get; set; }

    /// <summary>Serves the socket until it is closed.</summary>
    /// <returns>The close code that was sent or received; 1006 for an aborted connection.</returns>
    public async Task<int> RunAsync(CancellationToken aborted)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(aborted, _abort.Token);
        var writing = WriteAsync(linked.Token);
        SendOp(GatewayOpcode.Hello, new JsonObject { ["heartbeat_interval"] = (int)_discord.Options.HeartbeatInterval.TotalMilliseconds });
        var received = 1006;
        try
        {
            received = await ReadAsync(linked.Token);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection was aborted: the code stays 1006.
        }
        _outbox.Writer.TryComplete();
        var sent = await writing;
        if (received == 1006) _socket.Abort();
        return sent ?? received;
    }

    /// <summary>Sends a payload that is not an event.</summary>
    public void SendOp(GatewayOpcode op, JsonNode? data) =>
        Send(DiscordJson.Bytes(new JsonObject { ["op"] = (int)op, ["d"] = data, ["s"] = null, ["t"] = null }));

    public void Send(byte[] payload)
    {
        if (!IsZombie && !_closing) _outbox.Writer.TryWrite((payload, 0));
    }

    /// <summary>Closes the socket after the payloads that are already queued.</summary>
    public void Close(int code)
    {
        lock (_discord.State.Gate)
        {
            if (_closing) return;
            _closing = true;
            _discord.Gateway.Detach(this, code);
            _outbox.Writer.TryWrite((null, code));
        }
    }

    public void Close(GatewayCloseCode code) => Close((int)code);

    /// <summary>Aborts the connection without a close code.</summary>
    public void Abort()
    {
        lock (_discord.State.Gate)
        {
            _closing = true;
            _discord.Gateway.Detach(this, 1006);
        }
        _abort.Cancel();
    }

    /// <summary>Restarts the heartbeat timeout.</summary>
    public void OnHeartbeat() => _heartbeatTimer.Change(2 * _discord.Options.HeartbeatInterval, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _heartbeatTimer.Dispose();
        Codec.Dispose();
        _abort.Dispose();
    }

    private void OnHeartbeatMissed()
    {
        if (!IsZombie) Close(GatewayCloseCode.SessionTimedOut);
    }

    private async Task<int> ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxPayloadBytes + 1];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length = Math.Min(length + part.Count, MaxPayloadBytes);
                if (length == MaxPayloadBytes && !part.EndOfMessage) Close(GatewayCloseCode.DecodeError);
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close) return (int?)_socket.CloseStatus ?? 1005;
            if (_closing) continue;
            if (!IsWithinRateLimit()) Close(GatewayCloseCode.RateLimited);
            else if (Decode(buffer.AsSpan(0, length)) is { } payload) _discord.Gateway.Receive(this, payload);
            else Close(GatewayCloseCode.DecodeError);
        }
    }

    private bool IsWithinRateLimit()
    {
        var now = _discord.Time.GetUtcNow();
        if (now - _minuteStart >= TimeSpan.FromMinutes(1)) (_minuteStart, _payloadsInMinute) = (now, 0);
        return ++_payloadsInMinute <= MaxPayloadsPerMinute;
    }

    private static JsonObject? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonNode.Parse(bytes) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <returns>The close code that was sent, or null.</returns>
    private async Task<int?> WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var (payload, code) in _outbox.Reader.ReadAllAsync(cancellationToken))
            {
                if (payload is null)
                {
                    await _socket.CloseOutputAsync((WebSocketCloseStatus)code, "sandbox", cancellationToken);
                    _ = AbortAfterTimeoutAsync(cancellationToken);
                    return code;
                }
                var type = Codec.IsBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
                await _socket.SendAsync(Codec.Encode(payload), type, endOfMessage: true, cancellationToken);
            }
            if (_socket.State == WebSocketState.CloseReceived) await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has disconnected. The read loop ends as well.
        }
        return null;
    }

    /// <summary>Aborts the connection when the client does not answer a close in time.</summary>
    private async Task AbortAfterTimeoutAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(CloseTimeout, TimeProvider.System, cancellationToken);
            await _abort.CancelAsync();
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The socket was closed in time.
        }
    }
}
