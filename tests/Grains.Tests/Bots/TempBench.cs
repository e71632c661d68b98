using CozeCluster.Grains.Tests.Fakes;
using System.Diagnostics;

namespace CozeCluster.Grains.Tests.Bots;

public sealed class TempBench : GrainTest
{
    protected override bool OverTheWire => false;

    [Fact]
    public async Task Measure()
    {
        var bot = SmallFleet().Bots[0];
        List<BotDefinition> bots = [.. Enumerable.Range(0, 10_000).Select(i => bot with { Id = $"x{i}" })];
        foreach (var count in new[] { 10, 10_000 })
        foreach (var routing in Enum.GetValues<RoutingStrategy>())
        {
            await Catalog.Import(SmallFleet() with { Version = $"{count}{routing}", Bots = bots, Models = [new ModelDefinition { Id = "m", Bots = [.. bots.Take(count).Select(one => one.Id)], Routing = routing }] });
            var pool = Silo.Grains.GetGrain<IModelPoolGrain>(GrainKeys.ModelPool(Tenant, "m"));
            await pool.Pick(Tenant, "m", new PickRequest(null, []));
            foreach (var parallel in new[] { 1, 64 })
            {
                var watch = Stopwatch.StartNew();
                var each = 40_000 / parallel;
                await Task.WhenAll(Enumerable.Range(0, parallel).Select(_ => Task.Run(async () => { for (var i = 0; i < each; i++) await pool.Pick(Tenant, "m", new PickRequest(null, [])); })));
                Console.WriteLine($"BENCH {count} {routing} callers {parallel}: {each * parallel / watch.Elapsed.TotalSeconds:F0} picks/s");
            }
        }
    }
}
