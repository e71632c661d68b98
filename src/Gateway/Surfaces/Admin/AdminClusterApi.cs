using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary><c>/admin/v1/health</c> and <c>/admin/v1/cluster</c>.</summary>
internal static class AdminClusterApi
{
    public static void Map(AdminRoutes routes)
    {
        routes.Map(
            new("GET", "/health", AdminRole.Viewer, "listHealth", "Reads the health of the bots, accounts and listeners.") { IsList = true },
            AdminJson.Default.AdminHealth, ReadHealth);
        routes.Map(
            new("GET", "/cluster", AdminRole.Viewer, "readCluster", "Reads the processes and silos of the cluster, and which version of the fleet they use.")
            {
                IsList = true,
            },
            AdminJson.Default.AdminCluster, ReadCluster);
    }

    private static async Task<AdminHealth> ReadHealth(AdminCall call)
    {
        var entries = await call.Grains.Grain<IHealthGrain>(GrainKeys.Health).List();
        var found = entries.ToDictionary(entry => $"{WireName.Of(entry.Kind)}/{entry.Id}");
        var page = AdminPages.Take(call, found.Keys, id => AdminHealthReads.Convert(call, found[id]));
        return new AdminHealth(page.Data, page.Next, FleetOf(call));
    }

    private static AdminFleet FleetOf(AdminCall call) =>
        new(call.Fleet.Version, WireName.Of(call.Fleet.Status.State), call.Fleet.Status.ConfirmedAt?.UtcDateTime);

    private static async Task<AdminCluster> ReadCluster(AdminCall call)
    {
        var status = await AdminHealthReads.Try(call, () => call.Grains.Grain<ICatalogGrain>(GrainKeys.Catalog).GetStatus());
        var silos = await AdminHealthReads.Try(call, () => call.Grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: false));
        var found = new Dictionary<string, object>();
        foreach (var process in status?.Processes ?? [])
            found[$"process/{process.Id}"] = new AdminProcess(process.Id, process.Version, process.ConfirmedAt.UtcDateTime);
        foreach (var (address, state) in silos ?? []) found[$"silo/{address}"] = new AdminSilo(address.ToString(), WireName.Of(state));
        var page = AdminPages.Take(call, found.Keys, id => found[id]);
        return new AdminCluster(
            FleetOf(call), status?.Version, status is null ? null : [.. page.Data.OfType<AdminProcess>()],
            silos is null ? null : [.. page.Data.OfType<AdminSilo>()], page.Next);
    }
}

/// <summary>The health of the fleet, for answers that also have other data and are useful without it.</summary>
internal sealed partial class AdminHealthReads
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<(string, string), AdminHealthEntry> _entries = [];

    public static async Task<AdminHealthReads> Read(AdminCall call)
    {
        var health = new AdminHealthReads();
        foreach (var entry in await Try(call, () => call.Grains.Grain<IHealthGrain>(GrainKeys.Health).List()) ?? [])
            health._entries[(WireName.Of(entry.Kind), entry.Id)] = Convert(call, entry);
        return health;
    }

    /// <summary>The health of one thing; null if it is not known.</summary>
    public AdminHealthEntry? Find(HealthKind kind, string id) => _entries.GetValueOrDefault((WireName.Of(kind), id));

    public static AdminHealthEntry Convert(AdminCall call, HealthEntry entry) => new(
        WireName.Of(entry.Kind), entry.Id, WireName.Of(entry.State), entry.Reason, entry.Code is { } code ? ErrorTable.Of(code).Name : null,
        entry.Since == default ? null : entry.Since.UtcDateTime, entry.Until?.UtcDateTime,
        entry.Kind == HealthKind.Bot && call.Fleet.FindBot(entry.Id) is { } bot ? BotAccounts.WarningOf(bot, call.Fleet.FindAccount) : null,
        entry.KeepActive is { } keepActive ? new AdminKeepActive(keepActive.At.UtcDateTime, keepActive.Error) : null);

    /// <summary>Calls a grain, and returns null if it fails or does not answer soon.</summary>
    public static async Task<T?> Try<T>(AdminCall call, Func<Task<T>> read) where T : class
    {
        try
        {
            return await read().WaitAsync(Timeout, call.Time, call.Aborted);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException or OrleansException)
        {
            LogNoAnswer(call.Logger, exception);
            return null;
        }
    }

    [LoggerMessage(43, LogLevel.Warning, "A part of the cluster did not answer, so an answer of the admin API lacks it")]
    private static partial void LogNoAnswer(ILogger logger, Exception exception);
}
