using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

/// <summary>Grains in a real silo, on both storages.</summary>
public abstract class SiloTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private const int Timeout = 120_000;

    private readonly string _key = $"k-{Guid.NewGuid():n}";

    private protected abstract IFailingStorage FailingStorage { get; }

    private ITestGrain Grain => Silo.Grains.GetGrain<ITestGrain>(_key);

    [Fact(Timeout = Timeout)]
    public void A_storage_registers_a_store_for_everything_that_is_stored()
    {
        var services = Silo.Services;

        Assert.All(
            (object[])
            [
                services.GetRequiredService<IConversationStore>(), services.GetRequiredService<ITurnLog>(), services.GetRequiredService<IFleetStore>(),
                services.GetRequiredService<IExpiringStore>(), services.GetRequiredService<IBlobStore>(), Silo.Storage,
            ],
            store => Assert.Same(typeof(IExpiringStore).Assembly, store.GetType().Assembly));
        Assert.IsType<StorageWatch>(services.GetRequiredService<IStorageProbe>());
        Assert.Single(services.GetServices<IHostedService>().OfType<ExpirationService>());
        Assert.NotNull(FailingStorage.Failed);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_grain_has_its_state_after_a_restart()
    {
        await Grain.Set("kept, 保存");

        await Silo.RestartAsync();

        Assert.Equal("kept, 保存", await Grain.Get());
        await Grain.Clear();
        await Silo.DeactivateAsync();
        Assert.False(await Grain.Exists());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_save_during_the_deactivation_of_a_stopping_silo_is_stored()
    {
        var key = "last-" + _key;
        await Silo.Grains.GetGrain<ITestGrain>(key).Set("first");

        await Silo.RestartAsync();

        Assert.Equal("last", await Silo.Grains.GetGrain<ITestGrain>(key).Get());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_grain_with_an_outdated_state_is_activated_again_with_the_stored_state()
    {
        await Grain.Set("mine");
        var theirs = new GrainState<TestState>();
        await Silo.Storage.ReadStateAsync(TestGrain.StateName, Grain.GetGrainId(), theirs);
        theirs.State = new TestState { Text = "theirs" };
        await Silo.Storage.WriteStateAsync(TestGrain.StateName, Grain.GetGrainId(), theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Grain.Set("too late"));

        Assert.Equal("theirs", await Grain.Get());
        await Grain.Set("mine again");
    }

    [Fact(Timeout = Timeout)]
    public async Task The_first_call_of_a_grain_activates_it_without_reading_its_state()
    {
        await Grain.Set("stored");
        await Silo.DeactivateAsync();

        Task<string?> get;
        using (FirstCall.To(Grain.GetPrimaryKeyString())) get = Grain.Get();

        Assert.Null(await get);
        await Silo.DeactivateAsync();
        Assert.Equal("stored", await Grain.Get());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_reminder_fires_and_can_be_unregistered()
    {
        await Grain.Remind("tea", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));

        await Silo.Events.WaitFor($"{_key} tea");

        Assert.True(await Grain.Unremind("tea"));
        Assert.False(await Grain.Unremind("tea"));
        Assert.Null(await Silo.Reminders.ReadRow(Grain.GetGrainId(), "tea"));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_reminder_fires_after_a_restart_on_a_grain_that_is_not_active()
    {
        await Grain.Remind("tea", TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1));

        await Silo.RestartAsync();

        await Silo.Events.WaitFor($"{_key} tea");
    }
}

public sealed class SqliteSiloTests(SqliteSilo silo) : SiloTests<SqliteSilo>(silo)
{
    private protected override IFailingStorage FailingStorage => Silo.Services.GetRequiredService<SqliteStore>();
}

public sealed class PostgresSiloTests(PostgresSilo silo) : SiloTests<PostgresSilo>(silo)
{
    private protected override IFailingStorage FailingStorage => Silo.Services.GetRequiredService<PostgresDatabase>();
}
