using CozeCluster.Discord;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Fleets;

/// <summary>Hands fleets to the catalog, then has their listeners connect.</summary>
internal sealed partial class FleetImporter(IGrainFactory grains, AesSecretSeal seal, ListenerConnector listeners, ILogger<FleetImporter> logger)
{
    public async Task Import(FleetFile file)
    {
        var fleet = FleetBuilder.Build(file, seal);
        await grains.Grain<ICatalogGrain>(GrainKeys.Catalog).Import(fleet);
        Imported(fleet.Tenants.Count, fleet.Listeners.Count, fleet.Accounts.Count, fleet.Bots.Count, fleet.Models.Count, fleet.Version[..12]);
        foreach (var warning in file.Warnings) Warn(warning);
        listeners.ConnectAll(fleet.Listeners);
    }

    [LoggerMessage(1, LogLevel.Information, "Fleet in force: {Tenants} tenants, {Listeners} listeners, {Accounts} accounts, {Bots} bots, {Models} models (version {Version})")]
    private partial void Imported(int tenants, int listeners, int accounts, int bots, int models, string version);

    [LoggerMessage(2, LogLevel.Warning, "{Warning}")]
    private partial void Warn(string warning);
}
