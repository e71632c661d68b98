using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CozeCluster.Engine.Contract;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>TLS between silos and clients.</summary>
[Collection(TestCluster.Collection)]
public sealed class EncryptionTests
{
    [Fact(Timeout = 90_000)]
    public async Task Nodes_with_the_certificate_work_together_and_others_are_turned_away()
    {
        using var certificate = Make("CN=cluster");
        using var other = Make("CN=cluster");
        await using var cluster = await TestCluster.StartAsync(2, ContractGrains.Definitions, services => services.AddSingleton(new Probe()), options =>
        {
            ContractAdapters.AddTo(options);
            options.Certificate = certificate;
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => cluster.Grains.Get<ITurnsGrain>($"k{i}").Name()));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"k{i}"), answers);

        foreach (var wrong in (X509Certificate2?[])[null, other]) Assert.False(await ConnectsAsync(cluster, wrong));
        Assert.True(await ConnectsAsync(cluster, certificate));
    }

    private static async Task<bool> ConnectsAsync(TestCluster cluster, X509Certificate2? certificate)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await using var client = await cluster.StartClientAsync(options => options.Certificate = certificate, patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static X509Certificate2 Make(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
