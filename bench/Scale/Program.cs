using System.Diagnostics;
using CozeCluster;
using CozeCluster.Bench;
using CozeCluster.Grains;
using CozeCluster.Scale;
using CozeCluster.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

if (CommandLine.Parse(args, ScaleOptions.Help, ScaleOptions.Parse, out var exitCode) is not { } options) return exitCode;
if (options.Fleet is { } file)
{
    await ScaleFleet.Write(file, options.Tenants);
    return 0;
}

var folder = options.Data ?? Directory.CreateTempSubdirectory("scale-").FullName;
var usage = new UsageMeasurements(options.Usage, options.Turns);
if (options.Usage > 0)
{
    await using IStoreTarget target = options.Postgres is { } database
        ? await PostgresTarget.OpenAsync(database, UsageMeasurements.ServiceId)
        : SqliteTarget.Open(folder);
    await StoreCopy.RunAsync(usage, target);
}
var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders();
builder.UseOrleans(silo =>
{
    silo.UseLocalhostClustering(siloPort: 21111, gatewayPort: 21112, serviceId: UsageMeasurements.ServiceId, clusterId: UsageMeasurements.ServiceId);
    silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer());
    if (options.Postgres is { } connection) silo.AddPostgresStorage(postgres => postgres.ConnectionString = connection);
    else silo.AddSqliteStorage(sqlite => sqlite.DataDirectory = folder);
});
using var host = builder.Build();
await host.StartAsync();
var store = host.Services.GetRequiredService<IConversationStore>();
var log = host.Services.GetRequiredService<ITurnLog>();
var filled = new FilledStore(store, options, TimeProvider.System);
try
{
    if (options.Usage > 0)
    {
        await UsageMeasurements.Run(host.Services);
        return 0;
    }
    var watch = Stopwatch.StartNew();
    await filled.Fill();
    Console.WriteLine($"{options.Turns} turns in {options.Conversations} conversations were written in {watch.Elapsed.TotalSeconds:f0} s.");
    if (options.Postgres is null) Console.WriteLine($"The data folder has {new DirectoryInfo(folder).EnumerateFiles().Sum(entry => entry.Length) >> 20} MB.");
    await new ScaleMeasurements(store, log, filled, options).Run();
    Console.WriteLine($"This process uses {Environment.WorkingSet >> 20} MB of memory.");
    return 0;
}
finally
{
    await host.StopAsync();
    if (options.Data is null && options.Postgres is null) Directory.Delete(folder, recursive: true);
}
