using System.Net;
using System.Net.Sockets;

namespace CozeCluster.Drill;

/// <summary>Ports that stay ours while nobody listens on them.</summary>
internal static class Ports
{
    // Below the range that outgoing connections take theirs from: while the node is down, none of them may get its port.
    private const int First = 20_000;
    private const int End = 32_000;

    /// <summary>A port on loopback that is free now.</summary>
    public static int Free()
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var port = Random.Shared.Next(First, End);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
        throw new ServerException($"no free port from {First} to {End}");
    }
}
