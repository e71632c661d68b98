using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CozeCluster.TestKit;

/// <summary>TCP ports on loopback for servers that need a fixed port, and may be restarted on it.</summary>
public static class FreePorts
{
    // Below the range of the ports of outgoing connections, so that no connection takes a port while its server does not run.
    private const int First = 10_000;
    private const int End = 32_000;

    private static readonly ConcurrentDictionary<int, bool> Used = new();

    /// <summary>A port that is free now. It is returned only once in this process.</summary>
    /// <exception cref="InvalidOperationException">No port is free.</exception>
    public static int Next()
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var port = Random.Shared.Next(First, End);
            if (IsFree(port) && Used.TryAdd(port, true)) return port;
        }
        throw new InvalidOperationException($"No port from {First} to {End} is free.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
