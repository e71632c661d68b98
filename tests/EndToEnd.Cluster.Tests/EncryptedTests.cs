using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Nodes that encrypt their connections to each other.</summary>
public sealed class EncryptedTests
{
    [Fact]
    public async Task Nodes_with_the_same_certificate_form_a_cluster()
    {
        using var folder = new TempFolder();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var (certificate, key) = CreateCertificate(folder);
        var fleet = folder.Write("fleet.yaml", new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString());
        await using var cluster = await NodeCluster.StartAsync(
            folder.Path, ["--fleet", fleet, "--cluster-certificate", certificate, "--cluster-certificate-key", key]);
        using var http = HttpRequests.CreateClient(cluster.BaseUrl);

        for (var seed = 1; seed <= 6; seed++)
        {
            var request = new ChatRequest(http, sandbox.Coze, "bot", $"text=unicode chunks=10 seed={seed}");
            var reply = await request.StreamAsync();
            Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        }
    }

    private static (string Certificate, string Key) CreateCertificate(TempFolder folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=cluster", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return (folder.Write("cluster.pem", certificate.ExportCertificatePem()), folder.Write("cluster.key", key.ExportPkcs8PrivateKeyPem()));
    }
}
