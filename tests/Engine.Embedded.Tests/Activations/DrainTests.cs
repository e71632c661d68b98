using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class DrainTests : EngineTest
{
    [Fact(Timeout = Hang)]
    public async Task Stopping_lets_running_calls_finish_with_the_grains_they_need_and_refuses_others()
    {
        var engine = await StartAsync();
        var (grains, outside) = (engine.Grains, engine.Grains.Get<IStuckGrain>("k"));
        var running = outside.HoldThenAsk("gate", "never called before");
        await Probe.Happened("gate");
        var queued = outside.Incarnation();

        var stopping = engine.StopAsync();

        var refused = await Assert.ThrowsAsync<ClusterException>(() => outside.Peek());
        Assert.Equal(ErrorCode.Draining, refused.Code);
        refused = await Assert.ThrowsAsync<ClusterException>(() => grains.Get<IStuckGrain>("another").Peek());
        Assert.Equal(ErrorCode.Draining, refused.Code);
        Assert.False(stopping.IsCompleted);
        Probe.Open("gate");
        Assert.Equal(1, await running);
        Assert.Equal(1, await queued);
        await stopping;
        Assert.Equal(1, Probe.Count("k deactivating"));
        Assert.Equal(1, Probe.Count("never called before deactivating"));
        refused = await Assert.ThrowsAsync<ClusterException>(() => outside.Peek());
        Assert.Equal(ErrorCode.Draining, refused.Code);
    }

    [Fact(Timeout = Hang)]
    public async Task Stopping_flushes_saves_of_grains_that_are_put_away()
    {
        var engine = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(n => engine.Grains.Get<IKeepingGrain>("last" + n).SetUnsaved("x")));

        await engine.RestartAsync();

        var texts = await Task.WhenAll(Enumerable.Range(0, 200).Select(n => engine.Grains.Get<IKeepingGrain>("last" + n).Get()));
        Assert.All(texts, text => Assert.Equal("last words", text));
    }
}
