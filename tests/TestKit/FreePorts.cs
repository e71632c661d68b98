using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CozeCluster.TestKit;

/// <summary>Ports on loopback for servers that have to be told theirs, and may be started again on it.</summary>
public static class FreePorts
{
    // Below the range that outgoing connections take theirs from: none of them may get one before its server, or while that is down.
    private const int First = 10_000;
    private const int End = 32_000;

    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>A port that is free now and that nobody else in this process gets.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static int Next()
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var port = Random.Shared.Next(First, End);
            if (IsFree(port) && Given.TryAdd(port, true)) return port;
        }
        throw new InvalidOperationException($"No free port from {First} to {End}.");
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
