using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

/// <summary>Grains of a real silo on both storages.</summary>
public abstract class SiloTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private const int Hang = 120_000;

    private readonly string _key = $"k-{Guid.NewGuid():n}";

    private IKeptGrain Grain => Silo.Grains.GetGrain<IKeptGrain>(_key);

    [Fact(Timeout = Hang)]
    public async Task A_grain_finds_its_state_after_a_restart()
    {
        await Grain.Set("kept, 保存");

        await Silo.RestartAsync();

        Assert.Equal("kept, 保存", await Grain.Get());
        await Grain.Clear();
        await Silo.DeactivateAsync();
        Assert.False(await Grain.Exists());
    }

    [Fact(Timeout = Hang)]
    public async Task A_save_at_the_deactivation_that_a_stop_causes_is_stored()
    {
        var key = "last-" + _key;
        await Silo.Grains.GetGrain<IKeptGrain>(key).Set("first words");

        await Silo.RestartAsync();

        Assert.Equal("last words", await Silo.Grains.GetGrain<IKeptGrain>(key).Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_that_loses_a_race_for_its_state_is_activated_anew_with_what_was_stored()
    {
        await Grain.Set("mine");
        var theirs = new GrainState<KeptState>();
        await Silo.Storage.ReadStateAsync(KeptGrain.StateName, Grain.GetGrainId(), theirs);
        theirs.State = new KeptState { Text = "theirs" };
        await Silo.Storage.WriteStateAsync(KeptGrain.StateName, Grain.GetGrainId(), theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Grain.Set("too late"));

        Assert.Equal("theirs", await Grain.Get());
        await Grain.Set("mine again");
    }

    [Fact(Timeout = Hang)]
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

    [Fact(Timeout = Hang)]
    public async Task A_reminder_fires_and_can_be_unregistered()
    {
        await Grain.Remind("tea", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));

        await Silo.Probe.Happened($"{_key} tea");

        Assert.True(await Grain.Forget("tea"));
        Assert.False(await Grain.Forget("tea"));
        Assert.Null(await Silo.Reminders.ReadRow(Grain.GetGrainId(), "tea"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_fires_after_a_restart_on_a_grain_that_is_not_active()
    {
        await Grain.Remind("tea", TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1));

        await Silo.RestartAsync();

        await Silo.Probe.Happened($"{_key} tea");
    }
}

public sealed class SqliteSiloTests(SqliteSilo silo) : SiloTests<SqliteSilo>(silo);

public sealed class PostgresSiloTests(PostgresSilo silo) : SiloTests<PostgresSilo>(silo);
