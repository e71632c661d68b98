using CozeCluster.Grains.Testing;
using CozeCluster.Silo.Fleets.Documents;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Silo.Tests.Documents;

/// <summary>A silo with the catalog of a node: its storage, and the readers and checks of fleet files.</summary>
internal sealed class ManagedFleet : IAsyncDisposable
{
    private ManagedFleet(TestSilo silo) => Silo = silo;

    public TestSilo Silo { get; }

    public FleetDocuments Documents { get; } = new(FullFleet.Seal);

    public ICatalogGrain Catalog => Silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    public static async Task<ManagedFleet> Start(string? file = null)
    {
        var fleet = new ManagedFleet(await TestSilo.StartAsync(silo => silo.Services.AddSingleton<IFleetDocuments>(new FleetDocuments(FullFleet.Seal))));
        if (file is not null) await fleet.Import(file);
        return fleet;
    }

    public ValueTask DisposeAsync() => Silo.DisposeAsync();

    /// <summary>Applies a fleet file.</summary>
    public Task<FleetImport> Import(string file) => Catalog.Import(FullFleet.Read(file));

    public Task<FleetEdited> Put(FleetItemKind kind, string id, string json, long? expected = null) =>
        Edit(FleetEditAction.Put, kind, id, edit => edit with { Json = json, Expected = expected });

    public Task<FleetEdited> Patch(FleetItemKind kind, string id, string json) => Edit(FleetEditAction.Patch, kind, id, edit => edit with { Json = json });

    public Task<FleetEdited> Release(FleetItemKind kind, string id) => Edit(FleetEditAction.Release, kind, id);

    public Task<FleetEdited> Delete(FleetItemKind kind, string id) => Edit(FleetEditAction.Delete, kind, id);

    public Task<FleetEdited> Edit(FleetEditAction action, FleetItemKind kind, string id, Func<FleetEdit, FleetEdit>? change = null)
    {
        var edit = new FleetEdit(action, new FleetItemId(kind, id), "test");
        return Catalog.Change(change?.Invoke(edit) ?? edit);
    }

    public async Task<FleetItem> Read(FleetItemKind kind, string id) => (await Catalog.ReadItem(new(kind, id)))!;
}
