using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Runtime;

public sealed class StateSaverTests : RuntimeTest<RuntimeSilo>
{
    public StateSaverTests(RuntimeSilo fixture) : base(fixture)
    {
        Fixture.Hooks.BeforeSave = () => Task.CompletedTask;
        Fixture.Hooks.AfterSave = () => Task.CompletedTask;
    }

    private IStoringGrain Grain => Get<IStoringGrain>();

    [Fact(Timeout = Hang)]
    public async Task A_saved_state_is_loaded_by_the_next_activation()
    {
        await Grain.Set("kept, 保存");

        await Silo.CollectIdleAsync();

        Assert.Equal("kept, 保存", await Grain.Get());
        Assert.Equal(2, await Grain.Activation());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_saves_an_outdated_state_gets_a_conflict_and_the_activation_ends()
    {
        await Grain.Set("mine");
        await Grain.StartWork();
        await Happened("started");
        await Fixture.Overwrite(Key, "theirs");

        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.Set("too late"));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        await Happened("cancelled");
        await Happened("deactivated");
        Assert.Equal("theirs", await Grain.Get());
        Assert.Equal(2, await Grain.Activation());
        await Grain.Set("mine again");
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_clears_an_outdated_state_gets_a_conflict()
    {
        await Grain.Set("mine");
        await Fixture.Overwrite(Key, "theirs");

        var error = await Assert.ThrowsAsync<ClusterException>(Grain.Clear);

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Equal("theirs", await Grain.Get());
        await Grain.Clear();
        Assert.Null(await Grain.Get());
    }

    [Fact(Timeout = Hang)]
    public async Task Work_that_saves_an_outdated_state_gets_a_conflict_and_the_activation_ends()
    {
        await Grain.Set("mine");
        await Grain.StartWork();
        await Happened("started");
        await Fixture.Overwrite(Key, "theirs");

        await Grain.SaveInBackground();

        await Happened(nameof(ErrorCode.StateConflict));
        await Happened("cancelled");
        await Happened("deactivated");
        Assert.Equal("theirs", await Grain.Get());
        Assert.Equal(2, await Grain.Activation());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_is_wrongly_marked_as_first_does_not_overwrite_the_state()
    {
        await Grain.Set("stored");
        await Silo.CollectIdleAsync();

        Task set;
        using (FirstCall.To(Key)) set = Grain.Set("new");

        Assert.Equal(ErrorCode.StateConflict, (await Assert.ThrowsAsync<ClusterException>(() => set)).Code);
        Assert.Equal("stored", await Grain.Get());
    }

    [Fact(Timeout = Hang)]
    public async Task One_save_runs_at_a_time_and_waiting_calls_share_the_next()
    {
        var first = new Checkpoint();
        var (running, saves) = (0, 0);
        var overlapped = false;
        Fixture.Hooks.BeforeSave = async () =>
        {
            overlapped |= Interlocked.Increment(ref running) != 1;
            if (Interlocked.Increment(ref saves) == 1) await first.Wait();
        };
        Fixture.Hooks.AfterSave = () =>
        {
            Interlocked.Decrement(ref running);
            return Task.CompletedTask;
        };

        var calls = new List<Task> { Grain.Set("1") };
        await first.Reached;
        for (var i = 2; i <= 10; i++) calls.Add(Grain.Set($"{i}"));
        // Answered after the calls above have started their saves.
        Assert.Equal("10", await Grain.Get());
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        first.Continue();
        await Task.WhenAll(calls);

        Assert.False(overlapped);
        Assert.Equal(2, saves);
        await Silo.CollectIdleAsync();
        Assert.Equal("10", await Grain.Get());
    }

    [Theory(Timeout = Hang)]
    [InlineData(null, ErrorCode.Internal)]
    [InlineData(ErrorCode.CallRejected, ErrorCode.CallRejected)]
    public async Task An_exception_of_the_storage_becomes_a_cluster_exception_and_the_activation_stays(ErrorCode? thrown, ErrorCode received)
    {
        await Grain.Set("stored");
        Fixture.Hooks.BeforeSave = () =>
            throw (thrown is { } code ? new ClusterException(code, "The database cannot be reached.") : new InvalidOperationException("secret"));

        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.Set("lost"));
        Assert.Equal(received, error.Code);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Equal(received.ToString(), await Grain.TrySave());
        await Grain.SaveInBackground();
        await Happened(received.ToString());

        Fixture.Hooks.BeforeSave = () => Task.CompletedTask;
        await Grain.Set("again");
        Assert.Equal(1, await Grain.Activation());
    }
}
