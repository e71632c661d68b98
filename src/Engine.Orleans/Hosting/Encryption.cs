using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace CozeCluster.Engine.Orleans;

/// <summary>TLS between silos and clients, both sides showing the certificate.</summary>
internal static class Encryption
{
    public static void UseCertificate(this ISiloBuilder builder, OrleansEngineOptions options)
    {
        if (options.Certificate is { } certificate) builder.UseTls(certificate, tls => Demand(tls, certificate));
    }

    public static void UseCertificate(this IClientBuilder builder, OrleansEngineOptions options)
    {
        if (options.Certificate is { } certificate) builder.UseTls(certificate, tls => Demand(tls, certificate));
    }

    private static void Demand(TlsOptions tls, X509Certificate2 own)
    {
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (theirs, chain, errors) => IsMember(theirs, own);
        // Nodes are told by their certificate, not by the names of machines that come and go.
        tls.OnAuthenticateAsClient = (connection, authentication) => authentication.TargetHost = own.GetNameInfo(X509NameType.DnsName, forIssuer: false);
    }

    /// <summary>Whether it is the same certificate, or a valid one of the same issuer.</summary>
    private static bool IsMember(X509Certificate2? theirs, X509Certificate2 own)
    {
        if (theirs is null) return false;
        if (theirs.RawDataMemory.Span.SequenceEqual(own.RawDataMemory.Span)) return true;
        if (theirs.Issuer != own.Issuer || own.Issuer == own.Subject) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(theirs);
    }
}
