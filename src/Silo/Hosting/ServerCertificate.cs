using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Hosting;

/// <summary>The certificate of the https addresses. Its files are checked once a minute, so that a renewed certificate is used without a restart.</summary>
internal sealed partial class ServerCertificate
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    private readonly CertificateFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private SslServerAuthenticationOptions _options;
    private (DateTime, DateTime) _loadedWriteTimes;
    private long _checkedAt;

    /// <exception cref="StartException">The files contain no certificate with its private key.</exception>
    public ServerCertificate(CertificateFiles files, TimeProvider time, ILogger logger)
    {
        _files = files;
        _time = time;
        _logger = logger;
        _checkedAt = time.GetTimestamp();
        _loadedWriteTimes = files.LastWriteTimes();
        _options = OptionsFor(files.LoadForStart());
    }

    /// <summary>The options of the next TLS handshake.</summary>
    public SslServerAuthenticationOptions Options
    {
        get
        {
            lock (_gate)
            {
                if (_time.GetElapsedTime(_checkedAt) >= CheckInterval) Reload();
                return _options;
            }
        }
    }

    private void Reload()
    {
        _checkedAt = _time.GetTimestamp();
        try
        {
            if (_files.LastWriteTimes() is var writeTimes && writeTimes == _loadedWriteTimes) return;
            _options = OptionsFor(_files.Load());
            _loadedWriteTimes = writeTimes;
        }
        catch (Exception e) when (CertificateFiles.IsLoadFailure(e))
        {
            // The new files may not be complete yet.
            LogNotReloaded(_logger, _files.Path, e.Message, _options.ServerCertificateContext!.TargetCertificate.NotAfter.ToUniversalTime());
        }
    }

    [LoggerMessage(
        1, LogLevel.Warning, "The certificate {Path} has changed and cannot be used: {Reason}. "
            + "The old one, valid until {NotAfter:u}, stays in use; next try in a minute")]
    private static partial void LogNotReloaded(ILogger logger, string path, string reason, DateTime notAfter);

    private static SslServerAuthenticationOptions OptionsFor((X509Certificate2 Certificate, X509Certificate2Collection Chain) loaded) =>
        new() { ServerCertificateContext = SslStreamCertificateContext.Create(loaded.Certificate, loaded.Chain, offline: true) };
}
