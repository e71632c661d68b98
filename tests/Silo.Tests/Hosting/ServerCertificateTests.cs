using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class ServerCertificateTests : IDisposable
{
    private const string Password = "open sesame";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tls-");
    private readonly ManualTime _time = new();
    private readonly RecordedLog _log = new();

    private string CertificateFile => Path.Combine(_folder.FullName, "cert");

    private string KeyFile => Path.Combine(_folder.FullName, "key");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("pem")]
    [InlineData("pem in one file")]
    [InlineData("pem with password")]
    [InlineData("pfx")]
    public void Options_AnyFormat_IsUsed(string format)
    {
        var files = Write(format, "CN=first");

        Assert.Equal("CN=first", Subject(new ServerCertificate(files, _time, _log)));
    }

    [Fact]
    public void Options_RenewedFile_IsUsedWithinAMinute()
    {
        var certificate = new ServerCertificate(Write("pem", "CN=first"), _time, _log);
        Write("pem", "CN=second");
        File.SetLastWriteTimeUtc(CertificateFile, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        Assert.Equal("CN=first", Subject(certificate));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=second", Subject(certificate));
    }

    [Fact]
    public void Options_IncompleteRenewal_KeepsTheOldCertificate()
    {
        var certificate = new ServerCertificate(Write("pem", "CN=first"), _time, _log);
        File.WriteAllText(CertificateFile, "incomplete");
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("CN=first", Subject(certificate));
        Assert.Contains(CertificateFile, Assert.Single(_log.Warnings), StringComparison.Ordinal);
        Write("pem", "CN=second");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=second", Subject(certificate));
    }

    [Fact]
    public void New_NoCertificate_IsRefused()
    {
        File.WriteAllText(CertificateFile, "nonsense");

        var error = Assert.Throws<StartException>(() => new ServerCertificate(new(CertificateFile, null, null), _time, _log));

        Assert.Contains(CertificateFile, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void New_WrongPassword_IsRefusedWithoutRepeatingIt()
    {
        var files = Write("pfx", "CN=first") with { Password = "guess-it" };

        Assert.DoesNotContain("guess-it", Assert.Throws<StartException>(() => new ServerCertificate(files, _time, _log)).Message, StringComparison.Ordinal);
    }

    private static string Subject(ServerCertificate certificate) => certificate.Options.ServerCertificateContext!.TargetCertificate.Subject;

    private CertificateFiles Write(string format, string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest(subject, key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2095, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var pem = certificate.ExportCertificatePem();
        switch (format)
        {
            case "pem":
                File.WriteAllText(CertificateFile, pem);
                File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
                return new(CertificateFile, KeyFile, null);
            case "pem in one file":
                File.WriteAllText(CertificateFile, pem + "\n" + key.ExportPkcs8PrivateKeyPem());
                return new(CertificateFile, null, null);
            case "pem with password":
                File.WriteAllText(CertificateFile, pem);
                var encryption = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000);
                File.WriteAllText(KeyFile, key.ExportEncryptedPkcs8PrivateKeyPem(Password, encryption));
                return new(CertificateFile, KeyFile, Password);
            default:
                File.WriteAllBytes(CertificateFile, certificate.Export(X509ContentType.Pfx, Password));
                return new(CertificateFile, null, Password);
        }
    }

    private sealed class RecordedLog : ILogger
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning) Warnings.Add(formatter(state, exception));
        }
    }
}
