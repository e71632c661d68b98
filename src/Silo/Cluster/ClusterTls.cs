using System.Security.Cryptography.X509Certificates;
using CozeCluster.Silo.Hosting;
using Orleans.Connections.Security;

namespace CozeCluster.Silo.Cluster;

/// <summary>Encrypts the connections between nodes. Both sides present a certificate.</summary>
internal sealed class ClusterTls
{
    private readonly X509Certificate2 _own;
    private readonly TrustedPeers _peers;

    private ClusterTls(X509Certificate2 own, TrustedPeers peers) => (_own, _peers) = (own, peers);

    /// <summary>Loads the certificate. Null if there is none: connections are not encrypted.</summary>
    /// <exception cref="StartException">The files contain no certificate with its private key.</exception>
    public static ClusterTls? Load(CertificateFiles? files)
    {
        if (files is null) return null;
        var (own, chain) = files.LoadForStart();
        return new ClusterTls(own, new TrustedPeers(own, chain, TimeProvider.System));
    }

    public void Secure(ISiloBuilder silo) => silo.UseTls(_own, Configure);

    public void Secure(IClientBuilder client) => client.UseTls(_own, Configure);

    private void Configure(TlsOptions tls)
    {
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (peer, _, _) => _peers.IsTrusted(peer);
        // The certificate identifies a member of the cluster, not a machine, so a host name cannot be the target.
        tls.OnAuthenticateAsClient = (_, authentication) => authentication.TargetHost = _own.GetNameInfo(X509NameType.DnsName, forIssuer: false);
    }
}

/// <summary>
/// Decides which certificates of other nodes are trusted: this node's own certificate, and valid certificates issued under a root certificate in its file.
/// The trust store of the machine is not used: a certificate that a public authority issues to anyone must not give access to the cluster.
/// </summary>
/// <param name="own">The certificate of this node.</param>
/// <param name="file">All certificates in its file. Roots are trusted; intermediates only complete a chain.</param>
/// <param name="time">The clock, to check the validity period.</param>
internal sealed class TrustedPeers(X509Certificate2 own, X509Certificate2Collection file, TimeProvider time)
{
    private readonly X509Certificate2Collection _roots = [.. file.Where(certificate => !AreEqual(certificate, own) && IsSelfIssued(certificate))];
    private readonly X509Certificate2Collection _intermediates = [.. file.Where(certificate => !AreEqual(certificate, own) && !IsSelfIssued(certificate))];

    /// <summary>Whether the node that presents <paramref name="peer"/> is a member of the cluster.</summary>
    public bool IsTrusted(X509Certificate2 peer)
    {
        if (AreEqual(peer, own)) return true;
        if (_roots.Count == 0) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.ExtraStore.AddRange(_intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetLocalNow().DateTime;
        return chain.Build(peer);
    }

    private static bool AreEqual(X509Certificate2 one, X509Certificate2 other) => one.RawDataMemory.Span.SequenceEqual(other.RawDataMemory.Span);

    private static bool IsSelfIssued(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
