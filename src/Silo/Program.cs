using System.Collections;
using CozeCluster;
using CozeCluster.Gateway;
using CozeCluster.Silo.Cluster;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;
using CozeCluster.Upstreams;

try
{
    var commandLine = CommandLine.Parse(args);
    if (commandLine.Answered) return ExitCodes.Success;
    var folder = Directory.GetCurrentDirectory();
    var source = new SettingSource(commandLine.Values, EnvironmentVariables(), folder);
    if (commandLine.Command == NodeCommand.SchemaApply) return await ClusterCommands.ApplySchema(source, Console.Out);
    if (commandLine.Command == NodeCommand.StoreMove) return await ClusterCommands.MoveStore(source, folder, Console.Out);
    var settings = NodeSettings.Read(source, folder);
    if (commandLine.Command == NodeCommand.Check) return FleetCheck.Run(settings, Console.Out);

    if (settings.HoldsGrains) FleetCheck.Demand(settings);

    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        EnvironmentName = Environments.Production,
        ContentRootPath = folder,
        // Settings are read above. The builder's own would be watched for changes, with all that is in this folder: every write to the database below it included.
        Args = ["--hostBuilder:reloadConfigOnChange=false"],
    });
    builder.Configuration.Sources.Clear();
    builder.AddNodeLogging(settings);
    builder.AddListeners(settings);
    builder.AddNode(settings);
    builder.AddTelemetry(settings);

    builder.AddOrleans(settings);
    builder.Services.AddSafeFetcher(allowLoopback: settings.Sandbox);
    if (settings.HoldsGrains)
    {
        builder.Services.AddCozeUpstream().AddDiscordUpstream();
        builder.Services.AddNotifiers();
    }
    builder.Services.AddGateway(gateway =>
    {
        gateway.MaxBodyBytes = settings.MaxBodyBytes;
        gateway.StartGrace = settings.StartGrace;
        gateway.KeepAlive = settings.KeepAlive;
        gateway.Swagger = settings.Swagger;
        gateway.DrainNotice = settings.DrainNotice;
        gateway.OtherNodesServeTurns = settings.Cluster is not null;
        gateway.ServesBeforeConnected = !settings.HoldsGrains;
        foreach (var origin in settings.CorsOrigins) gateway.CorsOrigins.Add(origin);
    });
    if (settings.HoldsGrains) builder.AddFleet(settings);

    using var guard = new StopGuard(Drain.TimeOf(settings) + StopGuard.Slack, TimeProvider.System, static () => Environment.Exit(ExitCodes.Failure));
    await using var app = builder.Build();
    guard.Watch(app.Lifetime.ApplicationStopping);
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
catch (Exception e) when (ListenFailure.Describe(e) is { } line)
{
    Console.Error.WriteLine(line);
    return ExitCodes.Failure;
}

static Dictionary<string, string?> EnvironmentVariables() => Environment.GetEnvironmentVariables()
    .Cast<DictionaryEntry>()
    .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value);
