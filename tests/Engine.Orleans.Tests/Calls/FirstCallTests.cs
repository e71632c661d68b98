using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Orleans.Tests.Calls;

/// <summary>Grains that have stored nothing, as their caller says.</summary>
[Collection(TestCluster.Collection)]
public sealed class FirstCallTests : EngineContract<OrleansFixture>
{
    [Fact(Timeout = Hang)]
    public async Task A_new_grain_comes_to_life_without_a_look_at_what_is_stored()
    {
        await Get<IKeepingGrain>().Set("stored");
        await Engine.CollectIdleAsync();

        Assert.Null(await Engine.Grains.GetNew<IKeepingGrain>(Key).Get());
    }
}
