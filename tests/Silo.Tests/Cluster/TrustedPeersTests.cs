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
    public void Accept_TheSameCertificate_Yes()
    {
        using var own = _authority.Issue("CN=node");

        Assert.True(Peers(own).Accept(own));
        Assert.True(Peers(own, _authority.Root).Accept(own));
    }

    [Fact]
    public void Accept_SiblingOfARootInTheFile_Yes()
    {
        using var own = _authority.Issue("CN=node 1");
        using var theirs = _authority.Issue("CN=node 2");

        Assert.True(Peers(own, _authority.Root).Accept(theirs));
    }

    [Fact]
    public void Accept_SiblingWithoutARootInTheFile_No()
    {
        using var own = _authority.Issue("CN=node 1");
        using var theirs = _authority.Issue("CN=node 2");

        Assert.False(Peers(own).Accept(theirs));
    }

    [Fact]
    public void Accept_SiblingByAnIntermediate_OnlyWithTheRootInTheFile()
    {
        using var intermediate = _authority.Delegate("CN=intermediate");
        using var own = intermediate.Issue("CN=node 1");
        using var theirs = intermediate.Issue("CN=node 2");

        Assert.True(Peers(own, intermediate.Root, _authority.Root).Accept(theirs));
        // The usual file of a public authority: anybody can get a certificate by its intermediate.
        Assert.False(Peers(own, intermediate.Root).Accept(theirs));
    }

    [Fact]
    public void Accept_OtherAuthorityOfTheSameName_No()
    {
        using var other = new TestAuthority("CN=cluster authority");
        using var own = _authority.Issue("CN=node");
        using var theirs = other.Issue("CN=node");

        Assert.False(Peers(own, _authority.Root).Accept(theirs));
        Assert.False(Peers(own, _authority.Root).Accept(other.Root));
    }

    [Fact]
    public void Accept_ExpiredOrNotYetValid_No()
    {
        using var own = _authority.Issue("CN=node 1");
        using var theirs = _authority.Issue("CN=node 2", from: Today.AddDays(-2), to: Today.AddDays(2));
        var peers = Peers(own, _authority.Root);

        Assert.True(peers.Accept(theirs));
        _time.Advance(TimeSpan.FromDays(3));
        Assert.False(peers.Accept(theirs));
        using var early = _authority.Issue("CN=node 3", from: Today.AddDays(4));
        Assert.False(peers.Accept(early));
    }

    [Fact]
    public void Accept_SelfSigned_OnlyItself()
    {
        using var own = new TestAuthority("CN=node");
        using var theirs = new TestAuthority("CN=node");

        Assert.True(Peers(own.Root).Accept(own.Root));
        Assert.False(Peers(own.Root).Accept(theirs.Root));
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("pfx")]
    public void Accept_RootFromTheFile_IsFoundBehindTheCertificate(string form)
    {
        using var own = _authority.Issue("CN=node 1");
        using var theirs = _authority.Issue("CN=node 2");
        var path = Path.Combine(_folder.FullName, form);
        if (form == "pem")
            File.WriteAllText(path, string.Join('\n', own.ExportCertificatePem(), own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), _authority.Root.ExportCertificatePem()));
        else
            File.WriteAllBytes(path, new X509Certificate2Collection { own, X509CertificateLoader.LoadCertificate(_authority.Root.RawData) }.Export(X509ContentType.Pfx, "x")!);

        var (certificate, file) = new CertificateFiles(path, null, form == "pem" ? null : "x").LoadStrictly();

        Assert.Equal("CN=node 1", certificate.Subject);
        Assert.True(new TrustedPeers(certificate, file, _time).Accept(theirs));
    }

    private TrustedPeers Peers(X509Certificate2 own, params X509Certificate2[] behind) => new(own, [own, .. behind], _time);
}
