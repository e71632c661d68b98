using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

/// <summary>What both grain storages guarantee.</summary>
public abstract class GrainStorageTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private readonly string _key = $"k-{Guid.NewGuid():n}";

    protected IGrainStorage Storage => Silo.Storage;

    protected GrainId Id => IdOf(_key);

    [Fact]
    public async Task Read_NothingStored_GivesANewState()
    {
        var state = State("left over", "1");

        await Storage.ReadStateAsync("kept", Id, state);

        Assert.Equal((null, null, false), (state.State!.Text, state.ETag, state.RecordExists));
    }

    [Fact]
    public async Task Write_ThenRead_GivesTheStateAndItsETag()
    {
        var written = State("kept, 保存");
        await Storage.WriteStateAsync("kept", Id, written);
        Assert.True(written.RecordExists);

        var read = await ReadAsync();

        Assert.Equal(("kept, 保存", written.ETag, true), (read.State!.Text, read.ETag, read.RecordExists));
    }

    [Fact]
    public async Task Write_Again_GivesAnotherETag()
    {
        var state = await StoreAsync("first");
        var first = state.ETag;

        state.State!.Text = "second";
        await Storage.WriteStateAsync("kept", Id, state);

        Assert.NotEqual(first, state.ETag);
        Assert.Equal("second", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task States_OfAnotherNameOrKey_AreKeptApart()
    {
        await StoreAsync("mine");
        await Storage.WriteStateAsync("other", Id, State("of another name"));
        await Storage.WriteStateAsync("kept", IdOf(_key + "2"), State("of another key"));

        Assert.Equal("mine", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Keys_ThatLookLikeNumbersOrGuids_AreKeptApart()
    {
        string[] keys = ["12", "012", "C", "c", "0c", "12+a", "00000000000000000000000000000012", "00000000-0000-0000-0000-000000000012", "=12"];
        foreach (var key in keys) await Storage.WriteStateAsync("looks", IdOf(key), State("of " + key));

        foreach (var key in keys)
        {
            var read = State();
            await Storage.ReadStateAsync("looks", IdOf(key), read);
            Assert.Equal("of " + key, read.State!.Text);
        }
    }

    [Fact]
    public async Task Write_WithAnETagThatIsOutdated_IsAConflictAndChangesNothing()
    {
        var mine = await StoreAsync("mine");
        var theirs = await ReadAsync();
        theirs.State!.Text = "theirs";
        await Storage.WriteStateAsync("kept", Id, theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("kept", Id, mine));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("kept", Id, mine));

        Assert.Equal("theirs", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_OfANewStateWhereOneIsStored_IsAConflict()
    {
        await StoreAsync("stored");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("kept", Id, State("new")));

        Assert.Equal("stored", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_OverAStateThatWasDeleted_IsAConflict()
    {
        var mine = await StoreAsync("mine");
        await Storage.ClearStateAsync("kept", Id, await ReadAsync());

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("kept", Id, mine));

        Assert.False((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task AStateDeletedAndStoredAnew_DoesNotReturnToAnETagThatSomebodyHolds()
    {
        var held = await StoreAsync("first");
        await Storage.ClearStateAsync("kept", Id, await ReadAsync());
        await StoreAsync("second");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("kept", Id, held));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("kept", Id, held));

        Assert.Equal("second", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Clear_Stored_DeletesAndLeavesANewState()
    {
        var state = await StoreAsync("text");

        await Storage.ClearStateAsync("kept", Id, state);

        Assert.Equal((null, null, false), (state.State!.Text, state.ETag, state.RecordExists));
        Assert.False((await ReadAsync()).RecordExists);
        state.State!.Text = "again";
        await Storage.WriteStateAsync("kept", Id, state);
        Assert.Equal("again", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Clear_NeverStored_Succeeds()
    {
        var state = State("unsaved");

        await Storage.ClearStateAsync("kept", Id, state);

        Assert.Equal((null, false), (state.State!.Text, state.RecordExists));
    }

    [Fact]
    public async Task Clear_NeverStoredButStoredByAnother_IsAConflict()
    {
        await StoreAsync("theirs");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("kept", Id, State("unsaved")));

        Assert.Equal("theirs", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Read_ForTheFirstCallOfAGrain_DoesNotAskTheDatabase()
    {
        await StoreAsync("stored");
        var state = State();

        using (FirstCall.To(Id.Key.ToString()!)) await Storage.ReadStateAsync("kept", Id, state);

        Assert.False(state.RecordExists);
        Assert.True((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task Read_OfWhatIsNoState_FailsForThisGrainOnlyAndWithOurError()
    {
        await OverwriteAsync(_key, "{"u8.ToArray());

        var error = await Assert.ThrowsAsync<ClusterException>(ReadAsync);

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Contains(_key, error.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_OfAStateThatCannotBeSerialized_FailsWithOurErrorAndStoresNothing()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Storage.WriteStateAsync("kept", Id, new GrainState<UnwritableState>(new())));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.IsType<NotSupportedException>(error.InnerException);
        Assert.False((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task Clear_WithAnETagOfAnotherStorage_FailsWithOurError()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Storage.ClearStateAsync("kept", Id, State("text", "no number")));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.IsType<FormatException>(error.InnerException);
    }

    [Fact]
    public async Task Write_StoresJsonWithoutTypeNamesUnderTheStatesName()
    {
        await StoreAsync("text");

        Assert.Equal("""{"Text":"text"}""", Encoding.UTF8.GetString(await StoredAsync("kept", _key)));
    }

    [Fact]
    public async Task Housekeeping_DeletesStatesPastTheirRetentionAndNoOthers()
    {
        var old = TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(1.1);
        foreach (var key in (string[])["short-new", "ever"]) await Storage.WriteStateAsync("kept", IdOf(key), State());
        // More than one page.
        for (var i = 0; i < Housekeeping.PageSize + 100; i++) await Storage.WriteStateAsync("kept", IdOf($"short-{i:d4}"), State());
        await AgeAsync(["ever", .. Enumerable.Range(0, Housekeeping.PageSize + 100).Select(i => $"short-{i:d4}")], old);

        await ActivatorUtilities.CreateInstance<Housekeeping>(Silo.Services).SweepAsync(TestContext.Current.CancellationToken);

        Assert.True(await ExistsAsync("ever"));
        Assert.True(await ExistsAsync("short-new"));
        for (var i = 0; i < Housekeeping.PageSize + 100; i++) Assert.False(await ExistsAsync($"short-{i:d4}"));

        async Task<bool> ExistsAsync(string key)
        {
            var state = State();
            await Storage.ReadStateAsync("kept", IdOf(key), state);
            return state.RecordExists;
        }
    }

    [Fact]
    public async Task Housekeeping_DeletesNoStateThatWasSavedMeanwhile()
    {
        var key = "short-saved-" + _key;
        var state = State("first");
        await Storage.WriteStateAsync("kept", IdOf(key), state);
        var store = Silo.Services.GetRequiredService<IExpiringStore>();
        var found = Assert.Single(await store.ReadAgesAsync("kept", key[..^1], TestContext.Current.CancellationToken), age => age.Key == key);

        await Storage.WriteStateAsync("kept", IdOf(key), state);
        await store.DeleteAsync("kept", [found], TestContext.Current.CancellationToken);

        await Storage.WriteStateAsync("kept", IdOf(key), state);
    }

    protected static GrainId IdOf(string key) => GrainId.Create("kept", key);

    protected static GrainState<KeptState> State(string? text = null, string? etag = null) => new(new KeptState { Text = text }) { ETag = etag! };

    protected abstract Task OverwriteAsync(string key, byte[] payload);

    protected abstract Task<byte[]> StoredAsync(string stateName, string key);

    protected abstract Task AgeAsync(IReadOnlyList<string> keys, DateTimeOffset updatedAt);

    protected async Task<GrainState<KeptState>> ReadAsync()
    {
        var state = State();
        await Storage.ReadStateAsync("kept", Id, state);
        return state;
    }

    protected async Task<GrainState<KeptState>> StoreAsync(string text)
    {
        var state = State(text);
        await Storage.WriteStateAsync("kept", Id, state);
        return state;
    }

    private sealed class UnwritableState
    {
        public Type Type { get; set; } = typeof(UnwritableState);
    }
}
