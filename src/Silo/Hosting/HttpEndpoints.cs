using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CozeCluster.Silo.Hosting;

/// <summary>An address where the node serves HTTP.</summary>
/// <param name="Url">The URL as written.</param>
/// <param name="Address">The IP address; null: all addresses of this machine.</param>
/// <param name="Port">The TCP port; 0: any free port.</param>
/// <param name="IsHttps">Whether it uses TLS.</param>
internal sealed record HttpEndpoint(string Url, IPAddress? Address, int Port, bool IsHttps)
{
    /// <summary>Whether only this machine can connect to it.</summary>
    public bool IsLoopback => Address is not null && IPAddress.IsLoopback(Address);

    /// <summary>Parses <c>http://127.0.0.1:7077</c>, <c>https://*:7443</c>, <c>http://localhost:7077</c> or <c>http://[::1]:7077</c>.</summary>
    /// <returns>Null if the URL does not have such a form.</returns>
    public static HttpEndpoint? Parse(string url)
    {
        BindingAddress binding;
        try
        {
            binding = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return null;
        }
        if (binding.Scheme is not ("http" or "https") || binding.IsUnixPipe || binding.IsNamedPipe) return null;
        if (binding.PathBase.Length > 0 || binding.Port is < 0 or > 65535) return null;
        var isHttps = binding.Scheme == "https";
        return binding.Host.ToLowerInvariant() switch
        {
            "*" or "+" => new(url, null, binding.Port, isHttps),
            "localhost" => new(url, IPAddress.Loopback, binding.Port, isHttps),
            var host => IPAddress.TryParse(host, out var address) ? new(url, address, binding.Port, isHttps) : null,
        };
    }
}

/// <summary>Configures Kestrel, and explains why it cannot listen.</summary>
internal static class HttpEndpoints
{
    /// <exception cref="StartException">The certificate of an https address cannot be used. Thrown when the node starts.</exception>
    public static void AddHttpEndpoints(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel((_, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.MaxBodyBytes;

            // A client that reads a stream slowly is not an attack: the gateway limits what it buffers for it.
            kestrel.Limits.MinResponseDataRate = null;

            // Detects clients that disappeared without closing the connection, so that their turns are cancelled.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            var logger = kestrel.ApplicationServices.GetRequiredService<ILogger<ServerCertificate>>();
            var certificate = settings.Certificate is { } files ? new ServerCertificate(files, TimeProvider.System, logger) : null;
            foreach (var endpoint in settings.Endpoints) kestrel.Listen(endpoint, certificate);
        });
    }

    /// <summary>Explains in one line why a node cannot listen; null if the exception has another cause.</summary>
    public static string? DescribeFailure(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
                return $"{CannotListen(exception)}: the address is already in use. Stop the program that uses it, or choose another address with "
                    + $"{Settings.Port.Option} or {Settings.Urls.Option} (in a cluster, also {Settings.SiloPort.Option} and {Settings.ClientPort.Option}).";
            if (e is SocketException { SocketErrorCode: SocketError.AccessDenied })
                return $"{CannotListen(exception)}: this user has no permission for the port. "
                    + $"Choose a port above 1023 with {Settings.Port.Option} or {Settings.Urls.Option}.";
            if (e is SocketException { SocketErrorCode: SocketError.AddressNotAvailable })
                return $"{CannotListen(exception)}: this machine does not have the address. Choose another one with {Settings.Urls.Option}.";
        }
        return null;
    }

    private static void Listen(this KestrelServerOptions kestrel, HttpEndpoint endpoint, ServerCertificate? certificate)
    {
        if (endpoint.Address is null) kestrel.ListenAnyIP(endpoint.Port, Configure);
        else kestrel.Listen(endpoint.Address, endpoint.Port, Configure);

        void Configure(ListenOptions options)
        {
            if (endpoint.IsHttps) options.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(certificate!.Options) });
        }
    }

    private static string CannotListen(Exception exception)
    {
        // Kestrel's message: "Failed to bind to address http://127.0.0.1:7077: address already in use."
        var url = exception.Message.Split(' ').FirstOrDefault(word => word.StartsWith("http", StringComparison.Ordinal))?.TrimEnd(':', '.');
        return url is null ? "Cannot listen" : $"Cannot listen on {url}";
    }
}
