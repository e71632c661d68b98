using CozeCluster.Upstreams.Coze;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Upstreams.Tests;

public sealed class UpstreamServicesTests
{
    [Fact]
    public async Task AddCozeUpstream_Twice_AddsOne()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<ISecretSeal, TestSeal>().AddSingleton<IBlobStore, TestBlobs>();
        services.AddCozeUpstream().AddCozeUpstream();
        await using var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });

        var upstream = Assert.Single(provider.GetServices<IUpstream>());

        Assert.IsType<CozeUpstream>(upstream);
        Assert.Equal("coze", upstream.Name);
        Assert.True(upstream.CanReattach(new BotDefinition { Id = "bot", Upstream = "coze", UpstreamBotId = "1", Accounts = ["a"] }));
        Assert.Same(TimeProvider.System, provider.GetService<TimeProvider>());
    }
}
