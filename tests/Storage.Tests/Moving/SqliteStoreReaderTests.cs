using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class SqliteStoreReaderTests : IAsyncLifetime
{
    private readonly SqliteSilo _silo = new();

    public ValueTask InitializeAsync() => _silo.InitializeAsync();

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    [Fact]
    public async Task Read_AfterTheNodeHasStopped_GivesEverythingThatIsStored()
    {
        var begun = TimeProvider.System.GetUtcNow() - TimeSpan.FromMilliseconds(1);
        await _silo.Grains.GetGrain<IKeptGrain>("b").Set("text");
        await _silo.Grains.GetGrain<IKeptGrain>("a").Set("保存");
        await _silo.Grains.GetGrain<IKeptGrain>("r/1").Remind("tea", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2));
        BlobRef blob = await _silo.Services.GetRequiredService<IBlobStore>().Put("t", "a.txt", "text/plain", "content"u8.ToArray(), default);
        Assert.Equal(ErrorCode.Internal, Assert.Throws<ClusterException>(() => SqliteStoreReader.Open(_silo.DataDirectory)).Code);
        await _silo.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_silo.DataDirectory, "blobs", "torn.part"), "half", TestContext.Current.CancellationToken);

        using var store = SqliteStoreReader.Open(_silo.DataDirectory);

        var states = store.ReadStates().ToList();
        Assert.Equal([("kept", "a"), ("kept", "b")], states.Select(state => (state.StateName, state.Key)));
        Assert.Equal("""{"Text":"text"}""", Encoding.UTF8.GetString(states[1].Payload));
        Assert.True(states[1].UpdatedAt > begun);
        var reminder = Assert.Single(store.ReadReminders());
        Assert.Equal((GrainId.Create("kept", "r/1"), "tea", TimeSpan.FromMinutes(2)), (reminder.Grain, reminder.Name, reminder.Period));
        Assert.True(reminder.StartAt > begun + TimeSpan.FromMinutes(1));
        var moved = Assert.Single(store.ReadBlobs());
        using var content = new StreamReader(moved.Open());
        Assert.Equal((blob.Id, "content"), (moved.Id, await content.ReadToEndAsync(TestContext.Current.CancellationToken)));
        Assert.True(moved.ExpiresAt > begun + TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Open_KeepsNodesFromStartingOnTheDirectory()
    {
        await _silo.StopAsync();
        using (SqliteStoreReader.Open(_silo.DataDirectory))
        {
            Assert.Contains("in use by another process", (await Assert.ThrowsAsync<ClusterException>(_silo.StartAsync)).Message, StringComparison.Ordinal);
        }

        await _silo.StartAsync();
    }

    [Fact]
    public void Open_FolderWithoutAStore_IsNotFoundAndCreatesNothing()
    {
        var empty = Directory.CreateTempSubdirectory("empty-");

        Assert.Equal(ErrorCode.NotFound, Assert.Throws<ClusterException>(() => SqliteStoreReader.Open(empty.FullName)).Code);

        Assert.Empty(empty.GetFiles());
        empty.Delete();
    }
}
