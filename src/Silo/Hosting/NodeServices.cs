using CozeCluster.Grains;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Fleets.Documents;
using CozeCluster.Silo.SandboxMode;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// The services of the node itself. Hosted services start in the order in which they are added, and stop in reverse order. When the node stops,
/// <see cref="DrainService"/> first waits for requests and turns. Then Kestrel, the recovery of turns, the fleet and Orleans stop. The storage closes last.
/// </summary>
internal static class NodeServices
{
    /// <summary>Adds the settings, the clock, the draining of requests, and the encryption of stored secrets.</summary>
    /// <exception cref="StartException">The data folder, or the key that encrypts secrets, cannot be used.</exception>
    public static void AddNode(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new FleetViewOptions { StaleMax = settings.FleetStaleMax });
        if (settings.HostsGrains) builder.AddSeal(settings);
        // Needed by DrainService. Always empty on a gateway.
        builder.Services.AddSingleton<NonResumableTurns>();
        builder.Services.AddSingleton<DrainService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DrainService>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainService.MaxStopTime(settings));
    }

    /// <summary>
    /// Adds the fleet (from its file, from the environment of an older system, the demo fleet of the sandbox, or none but what is stored), and the recovery of
    /// turns, which needs it.
    /// </summary>
    public static void AddFleet(this WebApplicationBuilder builder, NodeSettings settings)
    {
        builder.Services.AddSingleton<FleetImporter>();
        builder.Services.AddHostedService<SealKeyFollower>();
        if (settings.Sandbox)
        {
            builder.Services.AddHostedService<SandboxHost>();
        }
        else if (FleetSources.Of(settings) is { } source)
        {
            builder.Services.AddSingleton(source);
            if (source is EnvironmentFleetSource environment) builder.Report(environment);
            builder.Services.AddHostedService<FleetWatcher>();
        }
        else
        {
            builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<FirstOwner>(services, Console.Out));
        }
        builder.Services.AddHostedService<TurnRecovery>();
    }

    /// <summary>Adds the middleware that counts requests, so that stopping can wait for them.</summary>
    public static void UseDrain(this WebApplication app) => app.Use(app.Services.GetRequiredService<DrainService>().Invoke);

    private static void Report(this WebApplicationBuilder builder, EnvironmentFleetSource source)
    {
        builder.Services.AddSingleton(new StartNotice(source.Describe()));
        foreach (var note in source.Notes.Where(note => note.IsImportant)) builder.Services.AddSingleton(new StartWarning(note.Text));
    }

    private static void AddSeal(this WebApplicationBuilder builder, NodeSettings settings)
    {
        if (settings.Cluster is null) builder.PrepareFolder(settings.Data);
        var seal = new AesSecretSeal(SecretsKey.Load(settings.SecretsKey, settings.Data));
        builder.Services.AddSingleton(seal);
        builder.Services.AddSingleton<ISecretSeal>(seal);
        builder.Services.AddSingleton<IFleetDocuments, FleetDocuments>();
    }

    // Before the key is read: a key that other users can read is refused.
    private static void PrepareFolder(this WebApplicationBuilder builder, string data)
    {
        try
        {
            if (DataFolder.MakePrivate(data) is { } change) builder.Services.AddSingleton(new StartWarning(change));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The data folder '{data}' cannot be used: {e.Message}");
        }
    }
}
