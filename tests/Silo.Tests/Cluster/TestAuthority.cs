using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Tests.Cluster;

/// <summary>A certificate authority for tests.</summary>
internal sealed class TestAuthority : IDisposable
{
    /// <summary>A day on which certificates with the default period are valid.</summary>
    public static readonly DateTimeOffset Today = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Start = Today.AddYears(-1);
    private static readonly DateTimeOffset End = Today.AddYears(60);

    public TestAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Root = request.CreateSelfSigned(Start, End);
    }

    private TestAuthority(X509Certificate2 certificate) => Root = certificate;

    public X509Certificate2 Root { get; }

    public X509Certificate2 Issue(string name, DateTimeOffset? from = null, DateTimeOffset? to = null) =>
        Sign(name, authority: false, from ?? Start, to ?? End);

    public TestAuthority Delegate(string name) => new(Sign(name, authority: true, Start, End));

    public void Dispose() => Root.Dispose();

    private X509Certificate2 Sign(string name, bool authority, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        using var certificate = request.Create(Root, from, to, RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }
}
