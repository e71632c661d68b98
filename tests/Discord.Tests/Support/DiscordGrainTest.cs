using CozeCluster.Grains.Testing;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Discord.Tests;

/// <summary>The grains of Discord in a silo, with two listeners of one server. The test plays Discord and moves the clock.</summary>
public abstract class DiscordGrainTest : IAsyncLifetime
{
    private readonly List<TestSilo> _crashed = [];

    protected TestSilo Silo { get; private set; } = null!;

    protected FakeDiscordApi Discord { get; } = new();

    protected ICatalogGrain Catalog => Silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    protected static Fleet Fleet { get; } = new("1", [new TenantDefinition { Id = "t" }], [], [], []) { Listeners = [Listener("l1"), Listener("l2")] };

    public async ValueTask InitializeAsync() => await Start(null);

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        foreach (var silo in _crashed) await silo.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts another node on a copy of what the node has stored. The old node is not stopped, so it releases nothing.</summary>
    protected async Task Crash()
    {
        _crashed.Add(Silo);
        await Start(Silo);
    }

    private async Task Start(TestSilo? crashed)
    {
        Silo = await TestSilo.StartAsync(
            silo => silo.Services.AddSingleton<ISecretSeal, TestSeal>().AddSingleton<IDiscordApi>(Discord).AddDiscord(),
            copyOf: crashed);
        await Catalog.Import(Fleet);
    }

    private static ListenerDefinition Listener(string id) => new() { Id = id, BaseUrl = "http://localhost", Token = new Secret(id) { Fingerprint = id }, GuildId = "1" };
}
