using System.Net;
using CozeCluster.Engine.Orleans;
using CozeCluster.Gateway;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Cluster;

/// <summary>A cluster on Orleans.</summary>
internal sealed class OrleansCluster : ClusterEngine
{
    public override void AddTo(WebApplicationBuilder builder, ClusterSettings settings, IReadOnlyList<GrainDefinition> definitions)
    {
        // What Orleans says of every single message while nobody is there; health says it once.
        builder.Logging.AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Messaging", LogLevel.Error);
        if (settings.Role == NodeRole.Gateway)
        {
            builder.Services.AddOrleansGateway(definitions, engine => Configure(engine, settings));
            // The gateway listens, and says that it is not ready, while it waits for the cluster.
            builder.Services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
        }
        else
        {
            builder.Services.AddHostedService(_ => new SchemaCheck(settings.Postgres));
            builder.Services.AddOrleansSilo(definitions, engine => Configure(engine, settings));
        }
    }

    public override void MapTo(WebApplication app) => app.MapClusterDashboard("/dashboard").RequireAdmin();

    public override Task ApplySchema(string postgres, CancellationToken cancellationToken) => ClusterSchema.ApplyAsync(postgres, cancellationToken);

    public override async Task<(long States, long Reminders, long Blobs)> FillStore(
        string postgres, string clusterId, IEnumerable<MovedState> states, IEnumerable<MovedReminder> reminders, IEnumerable<MovedBlob> blobs, CancellationToken cancellationToken)
    {
        var moved = await ClusterStore.FillAsync(postgres, clusterId, states, reminders, blobs, cancellationToken);
        return (moved.States, moved.Reminders, moved.Blobs);
    }

    private static void Configure(OrleansEngineOptions engine, ClusterSettings settings)
    {
        engine.ConnectionString = settings.Postgres;
        engine.ClusterId = engine.ServiceId = settings.ClusterId;
        engine.SiloPort = settings.SiloPort;
        engine.GatewayPort = settings.GatewayPort;
        engine.AdvertisedAddress = settings.AdvertisedAddress;
        // What is advertised may be an address that only those in front of a router know.
        engine.ListenOnAnyAddress = !IPAddress.IsLoopback(settings.AdvertisedAddress);
        engine.SavesWaitForDisk = settings.SavesWaitForDisk;
        engine.Dashboard = true;
        engine.Certificate = settings.Certificate?.LoadStrictly().Certificate;
    }

    /// <summary>Ends a start without database or tables with a line that says so.</summary>
    private sealed class SchemaCheck(string postgres) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => ClusterSchema.VerifyAsync(postgres, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
