using CozeCluster.Grains;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.SandboxMode;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// What the node itself adds. Hosted services start in the order they are added, and stop in reverse: <see cref="Drain"/> waits for requests and turns before any of them stops,
/// then Kestrel stops, the sweep, the fleet, Orleans; storage opens before all of them and closes after.
/// </summary>
internal static class NodeServices
{
    /// <summary>Settings, clock, the drain, and the encryption of stored secrets.</summary>
    /// <exception cref="StartException">The data folder or the sealing key cannot be used.</exception>
    public static void AddNode(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(TimeProvider.System);
        if (settings.HoldsGrains) builder.AddSeal(settings);
        // A gateway has none of these turns; the drain asks all the same.
        builder.Services.AddSingleton<NonResumableTurns>();
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Drain.TimeOf(settings));
    }

    /// <summary>The fleet, from its file or made for the sandbox, and what is to be done once it is in force.</summary>
    public static void AddFleet(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Services.AddSingleton<FleetImporter>();
        if (settings.Sandbox)
        {
            builder.Services.AddHostedService<SandboxHost>();
        }
        else
        {
            builder.Services.AddSingleton(new FleetFileSource(settings.Fleet!, EnvironmentValues.Process));
            builder.Services.AddHostedService<FleetWatcher>();
        }
        builder.Services.AddHostedService<TurnSweep>();
    }

    private static void AddSeal(this WebApplicationBuilder builder, NodeSettings settings)
    {
        if (settings.Cluster is null) CreateFolder(settings.Data);
        var seal = new AesSecretSeal(SecretsKey.Load(settings.SecretsKey, settings.Data));
        builder.Services.AddSingleton(seal);
        builder.Services.AddSingleton<ISecretSeal>(seal);
    }

    private static void CreateFolder(string data)
    {
        try
        {
            Directory.CreateDirectory(data);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The data folder '{data}' cannot be used: {e.Message}");
        }
    }
}
