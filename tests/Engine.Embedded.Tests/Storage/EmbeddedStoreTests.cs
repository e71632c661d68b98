using System.Text;
using CozeCluster.Engine.Contract;
using CozeCluster.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Embedded.Tests.Storage;

/// <summary>Reading all that is stored, to take it elsewhere.</summary>
public sealed class EmbeddedStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("engine-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Everything_stored_is_read_once_the_node_has_stopped()
    {
        BlobRef blob;
        await using (var engine = await Testing.TestEngine.StartAsync(
            ContractGrains.Definitions, services => services.AddSingleton(new Probe()), directory: _directory))
        {
            await engine.Grains.Get<IKeepingGrain>("a").Set("保存");
            await engine.Grains.Get<IKeepingGrain>("b").Set("text");
            await engine.Grains.Get<IRemindedGrain>("r").Set("tea", 60_000, 120_000);
            blob = await engine.Services.GetRequiredService<IBlobStore>().Put("t", "a.txt", "text/plain", "content"u8.ToArray(), default);
            Assert.Equal(ErrorCode.Internal, Assert.Throws<ClusterException>(() => EmbeddedStore.Open(_directory)).Code);
        }

        File.WriteAllText(Path.Combine(_directory, "blobs", "torn.part"), "half");
        using var store = EmbeddedStore.Open(_directory);

        var states = store.ReadStates().ToList();
        Assert.Equal([(ContractGrains.Keeping, "a"), (ContractGrains.Keeping, "b")], states.Select(state => (state.Kind, state.Key)));
        Assert.Equal("""{"Text":"text"}""", Encoding.UTF8.GetString(states[1].Payload));
        var reminder = Assert.Single(store.ReadReminders());
        Assert.Equal(("contract.reminded", "r", "tea", TimeSpan.FromMinutes(2)), (reminder.Kind, reminder.Key, reminder.Name, reminder.Period));
        Assert.True(reminder.Due > states[1].UpdatedAt);
        var moved = Assert.Single(store.ReadBlobs());
        using var content = new StreamReader(moved.Open());
        Assert.Equal((blob.Id, "content"), (moved.Id, await content.ReadToEndAsync()));
        Assert.True(moved.ExpiresAt > states[1].UpdatedAt + TimeSpan.FromHours(1));
    }

    [Fact]
    public void A_folder_without_a_store_is_said_to_be_one()
    {
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<ClusterException>(() => EmbeddedStore.Open(_directory)).Code);
        Assert.Empty(Directory.GetFiles(_directory));
    }
}
