using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Hosting;

/// <summary>Where a certificate is: for https addresses, or for what the nodes of a cluster say to each other.</summary>
internal sealed record CertificateFiles(string Path, string? KeyPath, string? Password)
{
    /// <summary>Reads where it is; null if there is none.</summary>
    public static CertificateFiles? Read(SettingSource source, string folder, Setting certificateSetting, Setting keySetting, Setting passwordSetting)
    {
        var certificate = source[certificateSetting];
        var key = source[keySetting];
        if (key.Given && !certificate.Given) key.Report($"there is a key, but no certificate; set '{certificateSetting.Name}' too.");
        foreach (var file in new[] { certificate, key })
        {
            if (file.Text is { } path && !File.Exists(System.IO.Path.GetFullPath(path, folder))) file.Report($"there is no file '{path}'.");
        }
        return certificate.Text is null
            ? null
            : new(System.IO.Path.GetFullPath(certificate.Text, folder), key.Text is null ? null : System.IO.Path.GetFullPath(key.Text, folder), source[passwordSetting].Text);
    }

    /// <summary>Whether an exception tells that the files are no good.</summary>
    public static bool IsUnsound(Exception e) => e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;

    /// <summary>The certificate with its private key, and its chain.</summary>
    /// <exception cref="StartException">The files hold none.</exception>
    public (X509Certificate2 Certificate, X509Certificate2Collection Chain) LoadStrictly()
    {
        try
        {
            return Load();
        }
        catch (Exception e) when (IsUnsound(e))
        {
            throw new StartException($"The certificate '{Path}' cannot be used: {e.Message}");
        }
    }

    /// <summary>The certificate with its private key, and its chain.</summary>
    /// <exception cref="Exception">One that <see cref="IsUnsound"/> knows: the files hold none.</exception>
    public (X509Certificate2 Certificate, X509Certificate2Collection Chain) Load()
    {
        var chain = new X509Certificate2Collection();
        X509Certificate2 certificate;
        if (X509Certificate2.GetCertContentType(Path) == X509ContentType.Pkcs12)
        {
            certificate = X509CertificateLoader.LoadPkcs12FromFile(Path, Password);
            chain.AddRange(X509CertificateLoader.LoadPkcs12CollectionFromFile(Path, Password));
        }
        else
        {
            certificate = Password is null
                ? X509Certificate2.CreateFromPemFile(Path, KeyPath)
                : X509Certificate2.CreateFromEncryptedPemFile(Path, Password, KeyPath);
            chain.ImportFromPemFile(Path);
        }
        return certificate.HasPrivateKey ? (certificate, chain) : throw new CryptographicException("there is no private key for it");
    }

    /// <summary>Changes with the files.</summary>
    public (DateTime, DateTime) Stamp() => (File.GetLastWriteTimeUtc(Path), KeyPath is null ? default : File.GetLastWriteTimeUtc(KeyPath));

    /// <summary>Never the password.</summary>
    public override string ToString() => Path;
}
