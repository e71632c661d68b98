using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord.Tests;

/// <summary>A gateway that the test plays: it accepts sockets, and the test sends and receives every payload.</summary>
internal sealed class DiscordGatewayServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<DiscordGatewayPeer> _all = [];
    private readonly Channel<DiscordGatewayPeer> _peers = Channel.CreateUnbounded<DiscordGatewayPeer>();

    private DiscordGatewayServer(WebApplication app) => _app = app;

    public string Url => "ws" + _app.Urls.First()["http".Length..];

    /// <summary>Path and query of each socket.</summary>
    public ConcurrentQueue<string> Opened { get; } = [];

    public static async Task<DiscordGatewayServer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseWebSockets();
        var server = new DiscordGatewayServer(app);
        app.Run(async context =>
        {
            server.Opened.Enqueue(context.Request.Path + context.Request.QueryString);
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.StatusCode = 400;
                return;
            }
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var peer = new DiscordGatewayPeer(context, socket);
            server._all.Enqueue(peer);
            server._peers.Writer.TryWrite(peer);
            await peer.Ended;
        });
        await app.StartAsync();
        return server;
    }

    /// <summary>Waits for the next socket.</summary>
    public async Task<DiscordGatewayPeer> Accept(CancellationToken cancellationToken) => await _peers.Reader.ReadAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _all) peer.End();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>One socket of a <see cref="DiscordGatewayServer"/>.</summary>
internal sealed class DiscordGatewayPeer(HttpContext context, WebSocket socket)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MemoryStream _deflated = new();
    private ZLibStream? _zlib;

    public Task Ended => _ended.Task;

    public int? CloseCode => (int?)socket.CloseStatus;

    public bool IsCompressed => context.Request.QueryString.Value!.Contains("compress=zlib-stream", StringComparison.Ordinal);

    public Task Hello(int interval = 45_000) => Send($$"""{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":{{interval}} } }""");

    public Task Ready(string session = "s-1", string resumeUrl = "", long sequence = 1) => Send(
        $$"""
        {"t":"READY","s":{{sequence}},"op":0,"d":{"v":10,"session_id":"{{session}}","resume_gateway_url":"{{resumeUrl}}",
        "user":{"id":"1001","username":"listener","bot":true},"guilds":[{"id":"21","unavailable":true},{"id":"22"}],
        "application":{"id":"1001","flags":524288} } }
        """);

    public Task Dispatch(string type, long sequence, string data) => Send($$"""{"t":"{{type}}","s":{{sequence}},"op":0,"d":{{data}} }""");

    /// <summary>Dispatches a message that was created or updated.</summary>
    public Task Message(long sequence, string content, string type = "MESSAGE_CREATE") =>
        Dispatch(
            type, sequence, $$"""{"id":"{{500 + sequence}}","channel_id":"31","content":"{{content}}","author":{"id":"9","username":"coze","bot":true} }""");

    public async Task Send(string payload)
    {
        if (!IsCompressed)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(payload).AsMemory(), WebSocketMessageType.Text, true, CancellationToken.None);
            return;
        }
        await SendBytes(Deflate(payload));
    }

    /// <summary>Compresses a payload with this socket's compression context.</summary>
    public byte[] Deflate(string payload)
    {
        _zlib ??= new ZLibStream(_deflated, CompressionLevel.Fastest, leaveOpen: true);
        _deflated.SetLength(0);
        _zlib.Write(Encoding.UTF8.GetBytes(payload));
        _zlib.Flush();
        return _deflated.ToArray();
    }

    /// <summary>Sends bytes as a message, or as a frame of one.</summary>
    public Task SendBytes(ReadOnlyMemory<byte> bytes, bool isWhole = true) =>
        socket.SendAsync(bytes, WebSocketMessageType.Binary, isWhole, CancellationToken.None).AsTask();

    /// <summary>Receives the next payload; null when the client has closed or aborted the socket.</summary>
    public async Task<JsonNode?> Receive(CancellationToken cancellationToken)
    {
        var buffer = new byte[8 * 1024];
        try
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            Assert.True(part.EndOfMessage);
            return part.MessageType == WebSocketMessageType.Close ? null : JsonNode.Parse(buffer.AsSpan(0, part.Count));
        }
        catch (WebSocketException)
        {
            return null;
        }
    }

    /// <summary>Receives the next payload with an opcode. Other payloads before it are dropped.</summary>
    public async Task<JsonNode> Receive(int op, CancellationToken cancellationToken)
    {
        while (true)
        {
            var payload = await Receive(cancellationToken);
            Assert.NotNull(payload);
            if (payload["op"]!.GetValue<int>() == op) return payload;
        }
    }

    /// <summary>Waits until the client has closed or aborted the socket.</summary>
    /// <returns>The close code; null if it aborted.</returns>
    public async Task<int?> ReceiveEnd(CancellationToken cancellationToken)
    {
        while (await Receive(cancellationToken) is not null)
        {
        }
        End();
        return CloseCode;
    }

    public async Task Close(int code)
    {
        await socket.CloseOutputAsync((WebSocketCloseStatus)code, null, CancellationToken.None);
        await ReceiveEnd(CancellationToken.None);
    }

    /// <summary>Aborts the socket.</summary>
    public void Abort()
    {
        context.Abort();
        End();
    }

    public void End() => _ended.TrySetResult();
}
