namespace CozeCluster.Engine.Contract;

/// <summary>Durable state, and who wins when two write it.</summary>
public abstract class StateContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    [Fact(Timeout = Hang)]
    public async Task What_was_saved_is_there_after_a_restart()
    {
        await Get<IKeepingGrain>().Set("kept, 保存");
        await Get<IKeepingGrain>().SetUnsaved("lost");

        await Engine.RestartAsync();

        Assert.Equal("kept, 保存", await Get<IKeepingGrain>().Get());
        Assert.True(await Get<IKeepingGrain>().Exists());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_put_away_comes_back_with_its_state()
    {
        await Get<IKeepingGrain>().Set("first");
        await Get<IKeepingGrain>().Set("second");

        await Engine.CollectIdleAsync();

        Assert.Equal(1, Probe.Count(Key + " deactivated"));
        Assert.Equal("second", await Get<IKeepingGrain>().Get());
        Assert.Equal(2, await Get<IKeepingGrain>().Incarnation());
        await Get<IKeepingGrain>().Set("third");
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_without_stored_state_gets_a_new_one()
    {
        Assert.False(await Get<IKeepingGrain>().Exists());
        Assert.Null(await Get<IKeepingGrain>().Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_that_was_called_as_new_stores_like_any_other()
    {
        var grain = Engine.Grains.GetNew<IKeepingGrain>(Key);
        await grain.Set("kept");
        await Engine.CollectIdleAsync();

        Assert.Equal("kept", await Get<IKeepingGrain>().Get());
        await Engine.CollectIdleAsync();
        // The same reference once more: it is new no longer.
        Assert.Equal("kept", await grain.Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_that_was_wrongly_called_as_new_loses_nothing_that_was_stored()
    {
        await Get<IKeepingGrain>().Set("kept");
        await Engine.CollectIdleAsync();

        // An engine may look nevertheless.
        var saves = await Record.ExceptionAsync(() => Engine.Grains.GetNew<IKeepingGrain>(Key).Set("new"));

        if (saves is not null) Assert.Equal(ErrorCode.StateConflict, Assert.IsType<ClusterException>(saves).Code);
        await Engine.RestartAsync();
        Assert.Equal(saves is null ? "new" : "kept", await Get<IKeepingGrain>().Get());
    }

    [Fact(Timeout = Hang)]
    public async Task Cleared_state_is_gone()
    {
        await Get<IKeepingGrain>().Set("text");

        await Get<IKeepingGrain>().Clear();

        Assert.Null(await Get<IKeepingGrain>().Get());
        Assert.False(await Get<IKeepingGrain>().Exists());
        await Engine.RestartAsync();
        Assert.Null(await Get<IKeepingGrain>().Get());
        Assert.False(await Get<IKeepingGrain>().Exists());
    }

    [Fact(Timeout = Hang)]
    public async Task State_may_be_cleared_twice_and_saved_again()
    {
        await Get<IKeepingGrain>().Set("text");
        await Get<IKeepingGrain>().Clear();
        await Get<IKeepingGrain>().Clear();

        await Get<IKeepingGrain>().Set("again");

        await Engine.CollectIdleAsync();
        Assert.Equal("again", await Get<IKeepingGrain>().Get());
    }

    [Fact(Timeout = Hang)]
    public async Task One_save_at_a_time() => Assert.True(await Get<IKeepingGrain>().SaveTwiceAtOnce());

    [Fact(Timeout = Hang)]
    public async Task What_is_saved_is_the_value_when_save_was_called()
    {
        await Get<IKeepingGrain>().SetAndChangeMeanwhile("saved", "changed");

        await Engine.CollectIdleAsync();

        Assert.Equal("saved", await Get<IKeepingGrain>().Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_save_in_OnDeactivate_is_seen_by_the_next_activation()
    {
        var key = "last-" + Key;
        await Get<IKeepingGrain>(key).Set("first words");

        await Engine.CollectIdleAsync();

        Assert.Equal("last words", await Get<IKeepingGrain>(key).Get());
    }

    [Fact(Timeout = Hang)]
    public async Task The_loser_of_a_race_hears_of_it_and_is_put_away_with_its_background_work()
    {
        await Get<IKeepingGrain>().Set("mine");
        await Get<IKeepingGrain>().StartWork();
        await Probe.Happened(Key + " started");
        await Engine.OverwriteAsync(ContractGrains.Keeping, Key);

        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IKeepingGrain>().Set("too late"));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        await Probe.Happened(Key + " cancelled");
        Assert.Equal("mine", await Get<IKeepingGrain>().Get());
        Assert.Equal(2, await Get<IKeepingGrain>().Incarnation());
        await Get<IKeepingGrain>().Set("now");
    }

    [Fact(Timeout = Hang)]
    public async Task Clearing_loses_races_too()
    {
        await Get<IKeepingGrain>().Set("mine");
        await Engine.OverwriteAsync(ContractGrains.Keeping, Key);

        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IKeepingGrain>().Clear());

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Equal("mine", await Get<IKeepingGrain>().Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_race_lost_in_background_work_puts_the_grain_away()
    {
        await Get<IKeepingGrain>().Set("mine");
        await Get<IKeepingGrain>().StartWork();
        await Get<IKeepingGrain>().SaveInBackground(Key);
        await Engine.OverwriteAsync(ContractGrains.Keeping, Key);

        Probe.Open(Key);

        await Probe.Happened($"{Key} {ErrorCode.StateConflict}");
        await Probe.Happened(Key + " cancelled");
        await Probe.Happened(Key + " deactivated");
        Assert.Equal(2, await Get<IKeepingGrain>().Incarnation());
    }
}
