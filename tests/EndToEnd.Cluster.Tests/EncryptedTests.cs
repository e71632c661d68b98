using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Nodes that encrypt what they say to each other.</summary>
public sealed class EncryptedTests
{
    [Fact]
    public async Task Nodes_with_one_certificate_are_a_cluster()
    {
        using var folder = new TempFolder();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var (certificate, key) = Certificate(folder);
        var fleet = folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(sandbox.BaseUrl, "coze")).ToString());
        await using var cluster = await NodeCluster.StartAsync(folder.Path, ["--fleet", fleet, "--cluster-certificate", certificate, "--cluster-certificate-key", key]);
        using var http = HttpCalls.Client(cluster.BaseUrl);

        var asks = Enumerable.Range(1, 6).Select(number => new Ask(http, sandbox.Coze, "bot", $"text=unicode chunks=10 seed={number}")).ToList();
        foreach (var ask in asks)
        {
            var reply = await ask.StreamAsync();
            Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        }
    }

    private static (string Certificate, string Key) Certificate(TempFolder folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=cluster", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return (folder.Write("cluster.pem", certificate.ExportCertificatePem()), folder.Write("cluster.key", key.ExportPkcs8PrivateKeyPem()));
    }
}
