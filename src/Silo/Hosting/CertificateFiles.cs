using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Hosting;

/// <summary>The files of a certificate, either for https addresses or for the connections between nodes of a cluster.</summary>
internal sealed record CertificateFiles(string Path, string? KeyPath, string? Password)
{
    /// <summary>Reads the settings of a certificate; null if none is set.</summary>
    public static CertificateFiles? Read(SettingSource source, string folder, Setting certificateSetting, Setting keySetting, Setting passwordSetting)
    {
        var certificate = source[certificateSetting];
        var key = source[keySetting];
        if (key.IsSet && !certificate.IsSet) key.Report($"the key needs a certificate; set '{certificateSetting.Name}' too.");
        foreach (var file in new[] { certificate, key })
        {
            if (file.Text is { } path && !File.Exists(System.IO.Path.GetFullPath(path, folder))) file.Report($"the file '{path}' does not exist.");
        }
        if (certificate.Text is null) return null;
        return new(
            System.IO.Path.GetFullPath(certificate.Text, folder),
            key.Text is null ? null : System.IO.Path.GetFullPath(key.Text, folder),
            source[passwordSetting].Text);
    }

    /// <summary>Whether an exception means that the files cannot be read or are not valid.</summary>
    public static bool IsLoadFailure(Exception e) => e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;

    /// <summary>Loads the certificate with its private key, and its chain.</summary>
    /// <exception cref="StartException">The files cannot be read or are not valid.</exception>
    public (X509Certificate2 Certificate, X509Certificate2Collection Chain) LoadForStart()
    {
        try
        {
            return Load();
        }
        catch (Exception e) when (IsLoadFailure(e))
        {
            throw new StartException($"The certificate '{Path}' cannot be used: {e.Message}");
        }
    }

    /// <summary>Loads the certificate with its private key, and its chain.</summary>
    /// <exception cref="Exception">The files cannot be read or are not valid; see <see cref="IsLoadFailure"/>.</exception>
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
        return certificate.HasPrivateKey ? (certificate, chain) : throw new CryptographicException("it has no private key");
    }

    /// <summary>The times of the last changes of the files.</summary>
    public (DateTime Certificate, DateTime Key) LastWriteTimes() =>
        (File.GetLastWriteTimeUtc(Path), KeyPath is null ? default : File.GetLastWriteTimeUtc(KeyPath));

    /// <summary>The path, without the password.</summary>
    public override string ToString() => Path;
}
