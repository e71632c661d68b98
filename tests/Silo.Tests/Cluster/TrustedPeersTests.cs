using System.Security.Cryptography.X509Certificates;
using CozeCluster.Silo.Cluster;
using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Cluster;

public sealed class TrustedPeersTests : IDisposable
{
    private static readonly DateTimeOffset Today = TestAuthority.Today;

    private readonly ManualTime _time = new(Today);
    private readonly TestAuthority _authority = new("CN=cluster authority");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tls-");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void IsTrusted_SameCertificate_Yes()
    {
        using var own = _authority.Issue("CN=node");

        Assert.True(Peers(own).IsTrusted(own));
        Assert.True(Peers(own, _authority.Root).IsTrusted(own));
    }

    [Fact]
    public void IsTrusted_IssuedByARootInTheFile_Yes()
    {
        using var own = _authority.Issue("CN=node 1");
        using var peer = _authority.Issue("CN=node 2");

        Assert.True(Peers(own, _authority.Root).IsTrusted(peer));
    }

    [Fact]
    public void IsTrusted_IssuedByARootThatIsNotInTheFile_No()
    {
        using var own = _authority.Issue("CN=node 1");
        using var peer = _authority.Issue("CN=node 2");

        Assert.False(Peers(own).IsTrusted(peer));
    }

    [Fact]
    public void IsTrusted_IssuedByAnIntermediate_OnlyWithTheRootInTheFile()
    {
        using var intermediate = _authority.Delegate("CN=intermediate");
        using var own = intermediate.Issue("CN=node 1");
        using var peer = intermediate.Issue("CN=node 2");

        Assert.True(Peers(own, intermediate.Root, _authority.Root).IsTrusted(peer));
        // A typical file from a public authority, whose intermediate issues certificates to anyone.
        Assert.False(Peers(own, intermediate.Root).IsTrusted(peer));
    }

    [Fact]
    public void IsTrusted_OtherAuthorityWithTheSameName_No()
    {
        using var other = new TestAuthority("CN=cluster authority");
        using var own = _authority.Issue("CN=node");
        using var peer = other.Issue("CN=node");

        Assert.False(Peers(own, _authority.Root).IsTrusted(peer));
        Assert.False(Peers(own, _authority.Root).IsTrusted(other.Root));
    }

    [Fact]
    public void IsTrusted_ExpiredOrNotYetValid_No()
    {
        using var own = _authority.Issue("CN=node 1");
        using var peer = _authority.Issue("CN=node 2", from: Today.AddDays(-2), to: Today.AddDays(2));
        var peers = Peers(own, _authority.Root);

        Assert.True(peers.IsTrusted(peer));
        _time.Advance(TimeSpan.FromDays(3));
        Assert.False(peers.IsTrusted(peer));
        using var early = _authority.Issue("CN=node 3", from: Today.AddDays(4));
        Assert.False(peers.IsTrusted(early));
    }

    [Fact]
    public void IsTrusted_SelfSigned_OnlyItself()
    {
        using var own = new TestAuthority("CN=node");
        using var peer = new TestAuthority("CN=node");

        Assert.True(Peers(own.Root).IsTrusted(own.Root));
        Assert.False(Peers(own.Root).IsTrusted(peer.Root));
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("pfx")]
    public void IsTrusted_RootInTheFile_IsFoundAfterTheCertificate(string format)
    {
        using var own = _authority.Issue("CN=node 1");
        using var peer = _authority.Issue("CN=node 2");
        var path = Path.Combine(_folder.FullName, format);
        if (format == "pem")
        {
            string[] pem = [own.ExportCertificatePem(), own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), _authority.Root.ExportCertificatePem()];
            File.WriteAllText(path, string.Join('\n', pem));
        }
        else
        {
            var certificates = new X509Certificate2Collection { own, X509CertificateLoader.LoadCertificate(_authority.Root.RawData) };
            File.WriteAllBytes(path, certificates.Export(X509ContentType.Pfx, "x")!);
        }

        var (certificate, file) = new CertificateFiles(path, null, format == "pem" ? null : "x").LoadForStart();

        Assert.Equal("CN=node 1", certificate.Subject);
        Assert.True(new TrustedPeers(certificate, file, _time).IsTrusted(peer));
    }

    private TrustedPeers Peers(X509Certificate2 own, params X509Certificate2[] chain) => new(own, [own, .. chain], _time);
}
