using System.Text;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

/// <summary>Behavior that both grain storages must have.</summary>
public abstract class GrainStorageTests<TSilo>(TSilo silo) : StorageTest<TSilo>(silo) where TSilo : StorageSilo
{
    private readonly string _key = $"k-{Guid.NewGuid():n}";

    protected IGrainStorage Storage => Silo.Storage;

    protected GrainId Id => IdOf(_key);

    [Fact]
    public async Task Read_NothingStored_ReturnsANewState()
    {
        var state = State("old text", "1");

        await Storage.ReadStateAsync("test", Id, state);

        Assert.Equal((null, null, false), (state.State!.Text, state.ETag, state.RecordExists));
    }

    [Fact]
    public async Task Write_ThenRead_ReturnsTheStateAndItsETag()
    {
        var written = State("kept, 保存");
        await Storage.WriteStateAsync("test", Id, written);
        Assert.True(written.RecordExists);

        var read = await ReadAsync();

        Assert.Equal(("kept, 保存", written.ETag, true), (read.State!.Text, read.ETag, read.RecordExists));
    }

    [Fact]
    public async Task Write_Again_ReturnsAnotherETag()
    {
        var state = await StoreAsync("first");
        var first = state.ETag;

        state.State!.Text = "second";
        await Storage.WriteStateAsync("test", Id, state);

        Assert.NotEqual(first, state.ETag);
        Assert.Equal("second", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_OtherNameOrKey_ChangesAnotherState()
    {
        await StoreAsync("mine");
        await Storage.WriteStateAsync("other", Id, State("of another name"));
        await Storage.WriteStateAsync("test", IdOf(_key + "2"), State("of another key"));

        Assert.Equal("mine", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_KeysThatLookLikeNumbersOrGuids_ChangesSeparateStates()
    {
        string[] keys = ["12", "012", "C", "c", "0c", "12+a", "00000000000000000000000000000012", "00000000-0000-0000-0000-000000000012", "=12"];
        foreach (var key in keys) await Storage.WriteStateAsync("numeric", IdOf(key), State("of " + key));

        foreach (var key in keys)
        {
            var read = State();
            await Storage.ReadStateAsync("numeric", IdOf(key), read);
            Assert.Equal("of " + key, read.State!.Text);
        }
    }

    [Fact]
    public async Task Write_OutdatedETag_IsAConflictAndChangesNothing()
    {
        var mine = await StoreAsync("mine");
        var theirs = await ReadAsync();
        theirs.State!.Text = "theirs";
        await Storage.WriteStateAsync("test", Id, theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", Id, mine));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("test", Id, mine));

        Assert.Equal("theirs", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_NewStateWhereOneIsStored_IsAConflict()
    {
        await StoreAsync("stored");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", Id, State("new")));

        Assert.Equal("stored", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Write_StateThatWasDeleted_IsAConflict()
    {
        var mine = await StoreAsync("mine");
        await Storage.ClearStateAsync("test", Id, await ReadAsync());

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", Id, mine));

        Assert.False((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task Write_AfterADelete_DoesNotReuseAnETag()
    {
        var held = await StoreAsync("first");
        await Storage.ClearStateAsync("test", Id, await ReadAsync());
        await StoreAsync("second");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", Id, held));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("test", Id, held));

        Assert.Equal("second", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Clear_StoredState_DeletesItAndReturnsANewState()
    {
        var state = await StoreAsync("text");

        await Storage.ClearStateAsync("test", Id, state);

        Assert.Equal((null, null, false), (state.State!.Text, state.ETag, state.RecordExists));
        Assert.False((await ReadAsync()).RecordExists);
        state.State!.Text = "again";
        await Storage.WriteStateAsync("test", Id, state);
        Assert.Equal("again", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Clear_NeverStored_Succeeds()
    {
        var state = State("unsaved");

        await Storage.ClearStateAsync("test", Id, state);

        Assert.Equal((null, false), (state.State!.Text, state.RecordExists));
    }

    [Fact]
    public async Task Clear_StateStoredByAnotherActivation_IsAConflict()
    {
        await StoreAsync("theirs");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("test", Id, State("unsaved")));

        Assert.Equal("theirs", (await ReadAsync()).State!.Text);
    }

    [Fact]
    public async Task Read_FirstCallOfAGrain_DoesNotQueryTheDatabase()
    {
        await StoreAsync("stored");
        var state = State();

        using (FirstCall.To(Id.Key.ToString()!)) await Storage.ReadStateAsync("test", Id, state);

        Assert.False(state.RecordExists);
        Assert.True((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task Read_InvalidJson_FailsWithAClusterException()
    {
        await InsertAsync(_key, "{"u8.ToArray());

        var error = await Assert.ThrowsAsync<ClusterException>(ReadAsync);

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Contains(_key, error.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_StateThatCannotBeSerialized_FailsWithAClusterExceptionAndStoresNothing()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Storage.WriteStateAsync("test", Id, new GrainState<UnwritableState>(new())));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.IsType<NotSupportedException>(error.InnerException);
        Assert.False((await ReadAsync()).RecordExists);
    }

    [Fact]
    public async Task Clear_InvalidETag_FailsWithAClusterException()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Storage.ClearStateAsync("test", Id, State("text", "not a number")));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.IsType<FormatException>(error.InnerException);
    }

    [Fact]
    public async Task Write_AnyState_StoresJsonWithoutTypeNames()
    {
        await StoreAsync("text");

        Assert.Equal("""{"Text":"text"}""", Encoding.UTF8.GetString(await ReadPayloadAsync("test", _key)));
    }

    protected static GrainId IdOf(string key) => GrainId.Create("test", key);

    protected static GrainState<TestState> State(string? text = null, string? etag = null) => new(new TestState { Text = text }) { ETag = etag! };

    protected abstract Task InsertAsync(string key, byte[] payload);

    protected abstract Task<byte[]> ReadPayloadAsync(string stateName, string key);

    protected async Task<GrainState<TestState>> ReadAsync()
    {
        var state = State();
        await Storage.ReadStateAsync("test", Id, state);
        return state;
    }

    protected async Task<GrainState<TestState>> StoreAsync(string text)
    {
        var state = State(text);
        await Storage.WriteStateAsync("test", Id, state);
        return state;
    }

    private sealed class UnwritableState
    {
        public Type Type { get; set; } = typeof(UnwritableState);
    }
}
