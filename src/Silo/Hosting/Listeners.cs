using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CozeCluster.Silo.Hosting;

/// <summary>Where and how the node listens.</summary>
internal static class Listeners
{
    public static void AddListeners(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel((_, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.MaxBodyBytes;

            // A slow reader of a stream is no attack: the gateway holds back what it cannot take.
            kestrel.Limits.MinResponseDataRate = null;

            // A client that vanished without a word is noticed, and its turn cancelled.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            var certificate = settings.Certificate is { } files ? new ServerCertificate(files, TimeProvider.System) : null;
            foreach (var address in settings.Listen) kestrel.Listen(address, certificate);
        });
    }

    private static void Listen(this KestrelServerOptions kestrel, ListenAddress address, ServerCertificate? certificate)
    {
        if (address.Address is null) kestrel.ListenAnyIP(address.Port, Configure);
        else kestrel.Listen(address.Address, address.Port, Configure);

        void Configure(ListenOptions listener)
        {
            if (address.Https) listener.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(certificate!.Options) });
        }
    }
}
