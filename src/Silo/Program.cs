using System.Collections;
using CozeCluster;
using CozeCluster.Discord;
using CozeCluster.Gateway;
using CozeCluster.Silo.Cluster;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Repl;
using CozeCluster.Upstreams;

try
{
    var commandLine = CommandLine.Parse(args);
    if (commandLine.IsHandled) return ExitCodes.Success;
    if (commandLine.Command == NodeCommand.Repl) return await ReplCommand.Run(commandLine.Repl.Url, commandLine.Repl.Model);
    var folder = Directory.GetCurrentDirectory();
    if (commandLine.Migration is { } migration) return MigrateCommand.Run(migration, folder, Console.Out);
    var source = new SettingSource(commandLine.Values, EnvironmentVariables(), folder);
    if (commandLine.Command == NodeCommand.SchemaApply) return await NodeCommands.ApplySchema(source, Console.Out);
    if (commandLine.Command == NodeCommand.StoreMove) return await StoreCommands.Move(source, folder, Console.Out);
    if (commandLine.Command == NodeCommand.StoreAccept) return await NodeCommands.AcceptStore(source, folder, Console.Out);
    if (commandLine.Command == NodeCommand.StoreBackup) return await StoreCommands.Backup(source, folder, commandLine.File!, Console.Out);
    if (commandLine.Command == NodeCommand.StoreRestore) return await StoreCommands.Restore(source, folder, commandLine.File!, Console.Out);
    if (commandLine.Command == NodeCommand.SecretsRotate) return await SecretsCommands.Rotate(source, folder, Console.Out);
    if (commandLine.Command == NodeCommand.SecretsForget) return await SecretsCommands.Forget(source, folder, Console.Out);
    if (commandLine.Keys is { } keys) return await KeyCommands.Run(commandLine.Command, keys, source, folder, Console.Out);
    var settings = NodeSettings.Read(source, folder);
    if (commandLine.Command == NodeCommand.Check) return await NodeCommands.CheckFleet(settings, commandLine.IsOnline, Console.Out);

    // Reports an invalid fleet file before anything starts.
    if (settings.HostsGrains) FleetSources.Of(settings)?.ReadValid();

    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        EnvironmentName = Environments.Production,
        ContentRootPath = folder,
        // Settings have been read above. The builder would watch the whole folder for changes of its own settings, including each write to the database in it.
        Args = ["--hostBuilder:reloadConfigOnChange=false"],
    });
    builder.Configuration.Sources.Clear();
    builder.AddNodeLogging(settings);
    builder.AddHttpEndpoints(settings);
    builder.AddNode(settings);
    builder.AddTelemetry(settings);

    builder.AddOrleans(settings);
    builder.Services.AddSafeFetcher(allowLoopback: settings.Sandbox);
    if (settings.HostsGrains)
    {
        builder.Services.AddCozeUpstream().AddLanguageModels().AddDiscord().AddPassThrough();
        builder.Services.AddNotifiers();
    }
    builder.Services.AddGateway(gateway =>
    {
        gateway.MaxBodyBytes = settings.MaxBodyBytes;
        gateway.MaxBodyBytesInFlight = Math.Max(settings.MaxBodyBytesInFlight, settings.MaxBodyBytes);
        gateway.StartGrace = settings.StartGrace;
        gateway.KeepAlive = settings.KeepAlive;
        gateway.Swagger = settings.Swagger;
        gateway.DrainNotice = settings.DrainNotice;
        gateway.OtherNodesServeTurns = settings.Cluster is not null;
        gateway.ServesBeforeConnected = !settings.HostsGrains;
        foreach (var origin in settings.CorsOrigins) gateway.CorsOrigins.Add(origin);
    });
    if (settings.HostsGrains) builder.AddFleet(settings);

    var stopTimeout = DrainService.MaxStopTime(settings) + StopWatchdog.HostExitTime;
    using var watchdog = new StopWatchdog(stopTimeout, TimeProvider.System, static () => Environment.Exit(ExitCodes.Failure));
    await using var app = builder.Build();
    watchdog.Watch(app.Lifetime.ApplicationStopping);
    app.UseDrain();
    if (settings.ServesClients) app.MapGateway();
    else app.MapOperations();
    if (settings.Dashboard) DashboardRoutes.Map(app);
    await app.RunNode(settings);
    return ExitCodes.Success;
}
catch (StartException e)
{
    foreach (var line in e.Lines) Console.Error.WriteLine(line);
    return ExitCodes.Usage;
}
catch (ClusterException e)
{
    Console.Error.WriteLine(e.Message);
    return ExitCodes.Failure;
}
catch (Exception e) when (HttpEndpoints.DescribeFailure(e) is { } line)
{
    Console.Error.WriteLine(line);
    return ExitCodes.Failure;
}

static Dictionary<string, string?> EnvironmentVariables() => Environment.GetEnvironmentVariables()
    .Cast<DictionaryEntry>()
    .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value);
