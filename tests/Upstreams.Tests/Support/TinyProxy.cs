using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CozeCluster.Upstreams.Tests;

/// <summary>
/// A proxy on loopback: SOCKS5 with user and password, or HTTP with CONNECT and Basic credentials. It records the destinations that clients asked for.
/// </summary>
internal sealed class TinyProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly int _target;

    private TinyProxy(int target, Func<TinyProxy, NetworkStream, Task> handshake)
    {
        _target = target;
        _listener.Start();
        _accepting = Accept(handshake);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The destinations that clients asked for, as <c>user:password host:port</c>.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Starts a proxy that connects every client to the port <paramref name="target"/>, whatever destination it asked for.</summary>
    public static TinyProxy Socks(int target) => new(target, static (proxy, stream) => proxy.HandshakeSocks(stream));

    /// <inheritdoc cref="Socks"/>
    public static TinyProxy Http(int target) => new(target, static (proxy, stream) => proxy.HandshakeHttp(stream));

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task Accept(Func<TinyProxy, NetworkStream, Task> handshake)
    {
        try
        {
            while (true) _ = Serve(await _listener.AcceptTcpClientAsync(_stop.Token), handshake);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task Serve(TcpClient client, Func<TinyProxy, NetworkStream, Task> handshake)
    {
        using (client)
        {
            try
            {
                await handshake(this, client.GetStream());
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    // RFC 1928 and RFC 1929.
    private async Task HandshakeSocks(NetworkStream client)
    {
        var methods = await Read(client, (await Read(client, 2))[1]);
        if (!methods.Contains((byte)2)) return;
        await client.WriteAsync(new byte[] { 5, 2 }, _stop.Token);
        var user = await Text(client, (await Read(client, 2))[1]);
        var password = await Text(client, (await Read(client, 1))[0]);
        await client.WriteAsync(new byte[] { 1, 0 }, _stop.Token);
        var kind = (await Read(client, 4))[3];
        var host = kind switch
        {
            1 => new IPAddress(await Read(client, 4)).ToString(),
            3 => await Text(client, (await Read(client, 1))[0]),
            _ => new IPAddress(await Read(client, 16)).ToString(),
        };
        var port = await Read(client, 2);
        lock (Asked) Asked.Add($"{user}:{password} {host}:{(port[0] << 8) | port[1]}");
        await client.WriteAsync(new byte[] { 5, 0, 0, 1, 127, 0, 0, 1, 0, 0 }, _stop.Token);
        await Relay(client, []);
    }

    private async Task HandshakeHttp(NetworkStream client)
    {
        var head = new List<byte>();
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.AddRange(await Read(client, 1));
        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n");
        var credentials = lines.FirstOrDefault(line => line.StartsWith("Proxy-Authorization: Basic ", StringComparison.OrdinalIgnoreCase));
        if (credentials is null)
        {
            // The body of the refused request is still unread, so the connection cannot be used again.
            const string Refusal =
                "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            await client.WriteAsync(Encoding.ASCII.GetBytes(Refusal), _stop.Token);
            return;
        }
        var user = Encoding.UTF8.GetString(Convert.FromBase64String(credentials["Proxy-Authorization: Basic ".Length..]));
        lock (Asked) Asked.Add($"{user} {lines[0].Split(' ')[1]}");
        if (lines[0].StartsWith("CONNECT", StringComparison.Ordinal))
        {
            await client.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stop.Token);
            await Relay(client, []);
        }
        else
        {
            var request = lines[0].Split(' ');
            await Relay(client, Encoding.ASCII.GetBytes(string.Join("\r\n", [$"{request[0]} {new Uri(request[1]).PathAndQuery} {request[2]}", .. lines[1..]])));
        }
    }

    private async Task Relay(NetworkStream client, byte[] head)
    {
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
        var serverStream = server.GetStream();
        await serverStream.WriteAsync(head, _stop.Token);
        await Task.WhenAny(client.CopyToAsync(serverStream, _stop.Token), serverStream.CopyToAsync(client, _stop.Token));
    }

    private async Task<byte[]> Read(NetworkStream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, _stop.Token);
        return bytes;
    }

    private async Task<string> Text(NetworkStream stream, int count) => Encoding.UTF8.GetString(await Read(stream, count));
}
