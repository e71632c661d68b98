using System.Security.Cryptography.X509Certificates;

namespace CozeCluster.Silo.Cluster;

/// <summary>
/// Which certificates other nodes may show: this node's own, and valid ones of the certificate authorities whose root certificates are in the file of its own.
/// The machine's trust store is not used: a certificate that a public authority issues to anybody must not give access to the cluster.
/// </summary>
/// <param name="own">The certificate of this node.</param>
/// <param name="file">All certificates of its file: roots are trusted, intermediates only complete a chain.</param>
/// <param name="time">The clock, for expiry.</param>
internal sealed class TrustedPeers(X509Certificate2 own, X509Certificate2Collection file, TimeProvider time)
{
    private readonly X509Certificate2Collection _roots = [.. file.Where(certificate => !IsOf(certificate, own) && IsSelfIssued(certificate))];
    private readonly X509Certificate2Collection _intermediates = [.. file.Where(certificate => !IsOf(certificate, own) && !IsSelfIssued(certificate))];

    /// <summary>Whether the node that shows <paramref name="theirs"/> is a member of the cluster.</summary>
    public bool Accept(X509Certificate2 theirs)
    {
        if (IsOf(theirs, own)) return true;
        if (_roots.Count == 0) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.ExtraStore.AddRange(_intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetLocalNow().DateTime;
        return chain.Build(theirs);
    }

    private static bool IsOf(X509Certificate2 certificate, X509Certificate2 other) => certificate.RawDataMemory.Span.SequenceEqual(other.RawDataMemory.Span);

    private static bool IsSelfIssued(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
