using CozeCluster.Engine.Contract;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>A cluster that takes over what another engine has stored.</summary>
[Collection(TestCluster.Collection)]
public sealed class ClusterStoreTests
{
    private readonly Probe _probe = new();
    private readonly string _service = $"moved-{Guid.NewGuid():n}";

    [Fact(Timeout = 90_000)]
    public async Task Grains_find_their_states_and_reminders_fire()
    {
        var moved = await FillAsync(
            [State("012", """{"Text":"of 012, 保存"}"""), State("12", """{"Text":"of 12"}""")],
            [new MovedReminder("contract.reminded", "r", "tea", TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1))]);

        await using var cluster = await TestCluster.StartAsync(2, ContractGrains.Definitions, services => services.AddSingleton(_probe), options =>
        {
            ContractAdapters.AddTo(options);
            options.ServiceId = _service;
        });

        Assert.Equal(new MovedCounts(2, 1), moved);
        Assert.Equal("of 12", await cluster.Grains.Get<IKeepingGrain>("12").Get());
        Assert.Equal("of 012, 保存", await cluster.Grains.Get<IKeepingGrain>("012").Get());
        await cluster.Grains.Get<IKeepingGrain>("12").Set("changed");
        await _probe.Happened("r tea");
    }

    [Fact]
    public async Task A_store_that_holds_something_takes_nothing_over()
    {
        await FillAsync([State("a", "{}")], []);

        var error = await Assert.ThrowsAsync<ClusterException>(() => FillAsync([State("b", "{}")], []));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
    }

    [Fact]
    public async Task All_is_taken_over_or_nothing()
    {
        await Assert.ThrowsAsync<ClusterException>(() => FillAsync([State("a", "{}"), State("a", "{}")], []));

        Assert.Equal(new MovedCounts(1, 0), await FillAsync([State("a", "{}")], []));
    }

    private async Task<MovedCounts> FillAsync(MovedState[] states, MovedReminder[] reminders) =>
        await ClusterStore.FillAsync(await Clusters.PostgresAsync(), _service, states, reminders);

    private static MovedState State(string key, string json) => new(ContractGrains.Keeping, key, DateTimeOffset.UnixEpoch, System.Text.Encoding.UTF8.GetBytes(json));
}
