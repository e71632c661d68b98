using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Hosting;

/// <summary>The certificate of the https addresses. Its files are looked at again once a minute, so that a renewed one is taken over without a restart.</summary>
internal sealed class ServerCertificate
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly CertificateFiles _files;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private SslServerAuthenticationOptions _options;
    private (DateTime, DateTime) _stamp;
    private long _lookedAt;

    /// <exception cref="StartException">The files hold no certificate with its private key.</exception>
    public ServerCertificate(CertificateFiles files, TimeProvider time)
    {
        _files = files;
        _time = time;
        _lookedAt = time.GetTimestamp();
        _stamp = files.Stamp();
        _options = OptionsOf(files.LoadStrictly());
    }

    /// <summary>What a handshake goes by.</summary>
    public SslServerAuthenticationOptions Options
    {
        get
        {
            lock (_gate)
            {
                if (_time.GetElapsedTime(_lookedAt) >= LookEvery) Look();
                return _options;
            }
        }
    }

    private void Look()
    {
        _lookedAt = _time.GetTimestamp();
        try
        {
            if (_files.Stamp() is var stamp && stamp == _stamp) return;
            _options = OptionsOf(_files.Load());
            _stamp = stamp;
        }
        catch (Exception e) when (CertificateFiles.IsUnsound(e))
        {
            // Half renewed: the old one serves until the new one is whole.
        }
    }

    private static SslServerAuthenticationOptions OptionsOf((X509Certificate2 Certificate, X509Certificate2Collection Chain) loaded) =>
        new() { ServerCertificateContext = SslStreamCertificateContext.Create(loaded.Certificate, loaded.Chain, offline: true) };
}
