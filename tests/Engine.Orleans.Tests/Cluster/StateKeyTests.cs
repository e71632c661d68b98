using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Keys that look like something else.</summary>
[Collection(TestCluster.Collection)]
public sealed class StateKeyTests : EngineContract<OrleansFixture>
{
    [Fact(Timeout = Hang)]
    public async Task Keys_that_look_like_numbers_or_guids_are_kept_apart()
    {
        string[] keys = ["12", "012", "C", "c", "0c", "12+a", "00000000000000000000000000000012", "00000000-0000-0000-0000-000000000012", "=12"];
        foreach (var key in keys) await Get<IKeepingGrain>(key).Set("of " + key);

        await Engine.CollectIdleAsync();

        foreach (var key in keys) Assert.Equal("of " + key, await Get<IKeepingGrain>(key).Get());
    }
}
