using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace CozeCluster.Silo.Hosting;

/// <summary>Tells in one line why a node cannot listen.</summary>
internal static class ListenFailure
{
    /// <summary>The line; null if the exception is about something else.</summary>
    public static string? Describe(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
                return $"{Where(exception)}the address is already in use. Stop who uses it, or choose another with {Settings.Port.Option} or {Settings.Urls.Option} (in a cluster, also {Settings.SiloPort.Option} and {Settings.GatewayPort.Option}).";
            if (e is SocketException { SocketErrorCode: SocketError.AccessDenied })
                return $"{Where(exception)}this user may not listen there. Choose a port above 1023 with {Settings.Port.Option} or {Settings.Urls.Option}.";
            if (e is SocketException { SocketErrorCode: SocketError.AddressNotAvailable })
                return $"{Where(exception)}this machine has no such address. Choose another with {Settings.Urls.Option}.";
        }
        return null;
    }

    private static string Where(Exception exception)
    {
        // Kestrel: "Failed to bind to address http://127.0.0.1:7077: address already in use."
        var url = exception.Message.Split(' ').FirstOrDefault(word => word.StartsWith("http", StringComparison.Ordinal))?.TrimEnd(':', '.');
        return url is null ? "Cannot listen: " : $"Cannot listen on {url}: ";
    }
}
