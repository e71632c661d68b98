using System.Security.Cryptography.X509Certificates;
using CozeCluster.Silo.Hosting;
using Orleans.Connections.Security;

namespace CozeCluster.Silo.Cluster;

/// <summary>Encrypts the connections between nodes, both sides showing a certificate.</summary>
internal sealed class NodeTls
{
    private readonly X509Certificate2 _own;
    private readonly TrustedPeers _peers;

    private NodeTls(X509Certificate2 own, TrustedPeers peers) => (_own, _peers) = (own, peers);

    /// <summary>Loads the certificate; null if there is none, and connections are not encrypted.</summary>
    /// <exception cref="StartException">The files hold no certificate with its private key.</exception>
    public static NodeTls? From(CertificateFiles? files)
    {
        if (files is null) return null;
        var (own, chain) = files.LoadStrictly();
        return new NodeTls(own, new TrustedPeers(own, chain, TimeProvider.System));
    }

    public void Secure(ISiloBuilder silo) => silo.UseTls(_own, Demand);

    public void Secure(IClientBuilder client) => client.UseTls(_own, Demand);

    private void Demand(TlsOptions tls)
    {
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (theirs, _, _) => _peers.Accept(theirs);
        // The certificate identifies a member of the cluster, not a machine: machines come and go.
        tls.OnAuthenticateAsClient = (_, authentication) => authentication.TargetHost = _own.GetNameInfo(X509NameType.DnsName, forIssuer: false);
    }
}
