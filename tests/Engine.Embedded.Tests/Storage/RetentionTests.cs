using CozeCluster.Engine.Contract;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class RetentionTests : EngineTest
{
    private static readonly IReadOnlyList<GrainDefinition> Kinds =
    [
        GrainDefinition.Of<IKeepingGrain, KeepingGrain, KeptState>(
            ContractGrains.Keeping, KeptJson.Default.KeptState, retention: key => key.StartsWith("short", StringComparison.Ordinal) ? TimeSpan.FromHours(1) : null),
    ];

    [Fact(Timeout = Hang)]
    public async Task States_past_their_retention_are_deleted_and_others_stay()
    {
        var engine = await StartAsync(definitions: Kinds);
        // More than one page.
        await Task.WhenAll(Enumerable.Range(0, 1200).Select(n => engine.Grains.Get<IKeepingGrain>("short" + n).Set("x")));
        await engine.Grains.Get<IKeepingGrain>("long").Set("x");
        await engine.CollectIdleAsync();
        engine.Time.Advance(TimeSpan.FromMinutes(50));
        await Round(engine);
        await engine.Grains.Get<IKeepingGrain>("short7").Set("young again");
        await engine.CollectIdleAsync();

        engine.Time.Advance(TimeSpan.FromMinutes(10));
        await Round(engine);

        Assert.False(await engine.Grains.Get<IKeepingGrain>("short0").Exists());
        Assert.False(await engine.Grains.Get<IKeepingGrain>("short1199").Exists());
        Assert.Equal("young again", await engine.Grains.Get<IKeepingGrain>("short7").Get());
        Assert.Equal("x", await engine.Grains.Get<IKeepingGrain>("long").Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_in_memory_keeps_its_state_until_it_is_put_away()
    {
        var engine = await StartAsync(definitions: Kinds);
        var grain = engine.Grains.Get<IKeepingGrain>("short");
        await grain.Set("x");
        await grain.StartWork();

        engine.Time.Advance(TimeSpan.FromHours(2));
        await Round(engine);

        await grain.Set("still here");
        Assert.Equal(1, await grain.Incarnation());
    }

    private static Task Round(Testing.TestEngine engine) => engine.Services.GetRequiredService<EmbeddedEngine>().Housekeeping.Round;
}
