using System.Net.WebSockets;

namespace CozeCluster.Discord;

/// <summary>
/// A WebSocket to Discord's gateway. It returns complete, decompressed payloads, and keeps Discord's send limits. It has one reader and any number of senders.
/// </summary>
internal sealed class DiscordGatewaySocket : IDisposable
{
    // Discord closes a socket that sends 120 payloads in 60 s (4008) or a longer payload than this (4002). The regular heartbeats need a reserve.
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

    private DiscordGatewaySocket(bool compress, TimeProvider time)
    {
        _time = time;
        if (compress) _inflater = new ZlibInflater();
    }

    /// <summary>The code with which Discord closed the socket; null: it did not.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>Connects.</summary>
    /// <exception cref="WebSocketException">The address cannot be reached, or is not that of a Discord gateway.</exception>
    public static async Task<DiscordGatewaySocket> Connect(
        HttpMessageInvoker http, Uri address, bool compress, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new DiscordGatewaySocket(compress, time);
        try
        {
            // The heartbeats of Discord's gateway make those of WebSockets unnecessary.
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
    /// <returns>The payload, valid until the next call; null when Discord has closed the socket.</returns>
    /// <exception cref="WebSocketException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">The data is not compressed as agreed, or too long.</exception>
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

    /// <summary>
    /// Whether the send limit allows another payload now. Regular heartbeats do not count. Only for callers that send one payload after another.
    /// </summary>
    public bool HasRoom => _sent.NextAt(_time.GetUtcNow()) <= _time.GetUtcNow();

    /// <summary>Sends a payload.</summary>
    /// <param name="payload">At most 4,096 bytes.</param>
    /// <param name="isHeartbeat">Whether this is a regular heartbeat, which does not count towards the limit.</param>
    /// <param name="cancellationToken">Stops sending; the socket cannot be used afterwards.</param>
    /// <exception cref="WebSocketException">The connection broke.</exception>
    public async ValueTask Send(byte[] payload, bool isHeartbeat, CancellationToken cancellationToken)
    {
        if (payload.Length > MaxPayload)
        {
            throw new ClusterException(ErrorCode.Internal, $"A payload for Discord's gateway has {payload.Length} bytes; Discord accepts {MaxPayload}.");
        }
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

    /// <summary>Closes the socket without waiting for Discord's close. Does not throw if the socket is already closed.</summary>
    public async Task Close(int code)
    {
        try
        {
            using var timeout = new CancellationTokenSource(CloseTimeout, _time);
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync((WebSocketCloseStatus)code, null, timeout.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The socket is already closed.
        }
    }

    /// <summary>Aborts the connection. A receive that is under way throws.</summary>
    public void Abort() => _socket.Abort();

    /// <inheritdoc />
    public void Dispose()
    {
        _socket.Abort();
        _socket.Dispose();
        _inflater?.Dispose();
    }
}
