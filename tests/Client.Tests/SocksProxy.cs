using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CozeCluster.Client.Tests;

/// <summary>A SOCKS5 proxy on loopback, as RFC 1928 and RFC 1929 say.</summary>
/// <param name="credentials">User and password that it requires, with a colon between them; null for none.</param>
internal sealed class SocksProxy(string? credentials) : IAsyncDisposable
{
    /// <summary>A host that only this proxy knows. It is loopback.</summary>
    public const string UnknownHost = "coze.invalid";

    private readonly TcpListener _listener = Listen();
    private readonly CancellationTokenSource _stop = new();
    private Task? _running;
    private int _connections;

    public int Port
    {
        get
        {
            _running ??= Run();
            return ((IPEndPoint)_listener.LocalEndpoint).Port;
        }
    }

    /// <summary>The number of connections that it has made.</summary>
    public int Connections => _connections;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        if (_running is not null) await _running.ContinueWith(_ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private async Task Run()
    {
        while (true) _ = Serve(await _listener.AcceptTcpClientAsync(_stop.Token));
    }

    private async Task Serve(TcpClient client)
    {
        using (client)
        {
            var stream = client.GetStream();
            var methods = await Read(stream, (await Read(stream, 2))[1]);
            var method = (byte)(credentials is null ? 0 : 2);
            if (!methods.Contains(method)) return;
            await stream.WriteAsync(new byte[] { 5, method }, _stop.Token);
            if (credentials is not null)
            {
                var user = Encoding.UTF8.GetString(await Read(stream, (await Read(stream, 2))[1]));
                var password = Encoding.UTF8.GetString(await Read(stream, (await Read(stream, 1))[0]));
                await stream.WriteAsync(new byte[] { 1, (byte)($"{user}:{password}" == credentials ? 0 : 1) }, _stop.Token);
            }
            var kind = (await Read(stream, 4))[3];
            var address = await Read(stream, kind switch { 1 => 4, 4 => 16, _ => (await Read(stream, 1))[0] });
            var port = await Read(stream, 2);
            var host = kind == 3 ? Encoding.ASCII.GetString(address) : new IPAddress(address).ToString();
            using var target = new TcpClient();
            await target.ConnectAsync(host == UnknownHost ? "127.0.0.1" : host, (port[0] << 8) | port[1], _stop.Token);
            Interlocked.Increment(ref _connections);
            await stream.WriteAsync(new byte[] { 5, 0, 0, 1, 0, 0, 0, 0, 0, 0 }, _stop.Token);
            await Task.WhenAny(stream.CopyToAsync(target.GetStream(), _stop.Token), target.GetStream().CopyToAsync(stream, _stop.Token));
        }
    }

    private async Task<byte[]> Read(NetworkStream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, _stop.Token);
        return bytes;
    }
}
