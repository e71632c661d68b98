using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class SqliteExportTests : IAsyncLifetime
{
    private readonly SqliteSilo _silo = new();

    public ValueTask InitializeAsync() => _silo.InitializeAsync();

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    [Fact]
    public async Task Read_AfterTheNodeHasStopped_ReturnsEverythingThatIsStored()
    {
        var startedAt = TimeProvider.System.GetUtcNow() - TimeSpan.FromMilliseconds(1);
        await _silo.Grains.GetGrain<ITestGrain>("b").Set("text");
        await _silo.Grains.GetGrain<ITestGrain>("a").Set("保存");
        await _silo.Grains.GetGrain<ITestGrain>("r/1").Remind("tea", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2));
        BlobRef blob = await _silo.Services.GetRequiredService<IBlobStore>().Put("t", "a.txt", "text/plain", "content"u8.ToArray(), default);
        Assert.Equal(ErrorCode.Internal, Assert.Throws<ClusterException>(() => SqliteExport.Open(_silo.DataDirectory)).Code);
        await _silo.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_silo.DataDirectory, "blobs", "unfinished.part"), "half", TestContext.Current.CancellationToken);

        using var export = SqliteExport.Open(_silo.DataDirectory);

        var states = export.ReadStates().ToList();
        Assert.Equal([("test", "a"), ("test", "b")], states.Select(state => (state.StateName, state.Key)));
        Assert.Equal("""{"Text":"text"}""", Encoding.UTF8.GetString(states[1].Payload));
        Assert.True(states[1].UpdatedAt > startedAt);
        var reminder = Assert.Single(export.ReadReminders());
        Assert.Equal((GrainId.Create("test", "r/1"), "tea", TimeSpan.FromMinutes(2)), (reminder.Grain, reminder.Name, reminder.Period));
        Assert.True(reminder.StartAt > startedAt + TimeSpan.FromMinutes(1));
        var exported = Assert.Single(export.ReadBlobs());
        using var content = new StreamReader(exported.Open());
        Assert.Equal((blob.Id, "content"), (exported.Id, await content.ReadToEndAsync(TestContext.Current.CancellationToken)));
        Assert.True(exported.ExpiresAt > startedAt + TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Open_Always_PreventsANodeFromStartingOnTheDirectory()
    {
        await _silo.StopAsync();
        using (SqliteExport.Open(_silo.DataDirectory))
        {
            Assert.Contains("in use by another process", (await Assert.ThrowsAsync<ClusterException>(_silo.StartAsync)).Message, StringComparison.Ordinal);
        }

        await _silo.StartAsync();
    }

    [Fact]
    public void Open_DirectoryWithoutADatabase_ThrowsNotFoundAndCreatesNothing()
    {
        var empty = Directory.CreateTempSubdirectory("empty-");

        Assert.Equal(ErrorCode.NotFound, Assert.Throws<ClusterException>(() => SqliteExport.Open(empty.FullName)).Code);

        Assert.Empty(empty.GetFiles());
        empty.Delete();
    }
}
