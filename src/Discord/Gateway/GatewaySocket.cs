using System.Net.WebSockets;

namespace CozeCluster.Discord;

/// <summary>A WebSocket to the gateway that gives whole payloads, inflated, and keeps Discord's limits of what is sent. One reader; senders may be several.</summary>
internal sealed class GatewaySocket : IDisposable
{
    // Discord closes sockets with 120 sent events in 60 s (4008) or a longer payload (4002); heartbeats need room.
    private const int MaxSent = 110;
    private const int MaxPayload = 4096;
    private const int MaxReceived = 64 * 1024 * 1024;
    private static readonly TimeSpan SentWindow = TimeSpan.FromSeconds(61);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SlidingWindow _sent = new(MaxSent, SentWindow);
    private readonly ZlibInflater? _inflater;
    private readonly TimeProvider _time;
    private byte[] _buffer = new byte[16 * 1024];

    private GatewaySocket(bool compress, TimeProvider time)
    {
        _time = time;
        if (compress) _inflater = new ZlibInflater();
    }

    /// <summary>The code the other side closed with; null: it did not.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>Connects.</summary>
    /// <exception cref="WebSocketException">It cannot be reached, or is no gateway.</exception>
    public static async Task<GatewaySocket> Connect(HttpMessageInvoker http, Uri address, bool compress, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new GatewaySocket(compress, time);
        try
        {
            // The heartbeat is enough of a sign of life.
            socket._socket.Options.KeepAliveInterval = TimeSpan.Zero;
            socket._socket.Options.SetRequestHeader("User-Agent", DiscordRestOptions.DefaultUserAgent);
            await socket._socket.ConnectAsync(address, http, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a payload.</summary>
    /// <returns>The payload, valid until the next call; null when the other side has closed.</returns>
    /// <exception cref="WebSocketException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">What came is not what was agreed on.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> Receive(CancellationToken cancellationToken)
    {
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                if (length == _buffer.Length)
                {
                    if (length >= MaxReceived) throw new InvalidDataException("The payload is too long.");
                    Array.Resize(ref _buffer, 2 * length);
                }
                part = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close) return null;
                length += part.Count;
            }
            while (!part.EndOfMessage);

            var message = _buffer.AsMemory(0, length);
            if (_inflater is null || part.MessageType == WebSocketMessageType.Text) return message;
            if (_inflater.Add(message.Span, out var payload)) return payload;
        }
    }

    /// <summary>Whether Discord would take another payload now; heartbeats of the interval always find room. For those who send in one order only.</summary>
    public bool HasRoom => _sent.NextAt(_time.GetUtcNow()) <= _time.GetUtcNow();

    /// <summary>Sends a payload.</summary>
    /// <param name="payload">At most 4,096 bytes.</param>
    /// <param name="isHeartbeat">Heartbeats of the interval do not count.</param>
    /// <param name="cancellationToken">Gives up; the socket is of no use then.</param>
    /// <exception cref="WebSocketException">The connection broke.</exception>
    public async ValueTask Send(byte[] payload, bool isHeartbeat, CancellationToken cancellationToken)
    {
        if (payload.Length > MaxPayload) throw new ClusterException(ErrorCode.Internal, $"A gateway payload has {payload.Length} bytes; Discord takes {MaxPayload}.");
        if (!isHeartbeat) _sent.Add(_time.GetUtcNow());
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _socket.SendAsync(payload, WebSocketMessageType.Text, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Closes, without waiting long for an answer. Never throws.</summary>
    public async Task Close(int code)
    {
        try
        {
            using var timeout = new CancellationTokenSource(CloseTimeout, _time);
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync((WebSocketCloseStatus)code, null, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // It was gone already.
        }
    }

    /// <summary>Cuts the connection: whoever receives gets an exception.</summary>
    public void Abort() => _socket.Abort();

    /// <inheritdoc />
    public void Dispose()
    {
        _socket.Abort();
        _socket.Dispose();
        _inflater?.Dispose();
    }
}
