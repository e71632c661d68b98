using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests;

public sealed class CatalogTests
{
    [Fact]
    public async Task Import_ModelsWithoutDates_GetTheDateOfTheirFirstImport()
    {
        await using var silo = await TestSilo.StartAsync();
        var catalog = silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);
        var start = silo.Time.GetUtcNow();
        var dated = new DateTimeOffset(2024, 5, 6, 0, 0, 0, TimeSpan.Zero);

        await catalog.Import(Fleet.Empty with { Version = "1", Models = [Model("a"), Model("b") with { CreatedAt = dated }] });
        silo.Time.Advance(TimeSpan.FromDays(1));
        await catalog.Import(Fleet.Empty with { Version = "2", Models = [Model("c"), Model("b") with { CreatedAt = dated }, Model("a")] });

        Assert.Equal(
            [new("c", start.AddDays(1)), new("b", dated), new("a", start)],
            await catalog.ListModels("t"));
    }

    [Fact]
    public async Task Import_SurvivesARestart()
    {
        await using var silo = await TestSilo.StartAsync();
        await silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(
            Fleet.Empty with { Version = "1", Tenants = [new TenantDefinition(StoreConversations: false) { Id = "private" }] });

        await silo.RestartAsync();

        Assert.False((await silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).FindTenant("private"))!.StoreConversations);
    }

    private static ModelDefinition Model(string id) => new() { Id = id, Bots = ["bot"] };
}
