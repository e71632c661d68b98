using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Stores the applied fleet as rows, and gives every process the rows that have changed. Its secrets are sealed. The storage decides which rows are right: an
/// import whose rows were not written for certain ends the activation, and the next one reads them.
/// </summary>
[GrainType("catalog"), ActivationCountBasedPlacement]
public sealed partial class CatalogGrain(IFleetStore store, IFleetView view, BackgroundWork work, TimeProvider time, ILogger<CatalogGrain> logger)
    : Grain, ICatalogGrain
{
    /// <summary>
    /// While a cluster detects the failure of a silo, two activations may exist for some seconds. The older one must not confirm a fleet that the other one has
    /// replaced.
    /// </summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    private readonly FleetProcesses _processes = new(time);
    private readonly LoadBoard _loads = new();
    private FleetLog _log = new(0, []);
    private bool _isImporting;
    private Task? _check;
    private long _checkedAt;

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _log = await Load(cancellationToken);
        _checkedAt = time.GetTimestamp();
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => work.StopAsync();

    /// <inheritdoc />
    public async Task<FleetImport> Import(Fleet fleet, bool isStart)
    {
        var imports = _log.Imports;
        if (!imports.IsCurrent(fleet.Version))
        {
            if (isStart && imports.IsSuperseded(fleet.Version)) return new FleetImport(_log.Version, IsSuperseded: true);
            if (fleet.DeclaredVersion < imports.DeclaredVersion)
            {
                throw new ClusterException(
                    ErrorCode.InvalidRequest,
                    $"The fleet has version {fleet.DeclaredVersion}, but version {imports.DeclaredVersion} is in force. "
                    + $"Set 'version' to {imports.DeclaredVersion} or more to replace it.");
            }
            var known = _log.Read(FleetRowKind.Settings, FleetSettings.Id, StateJson.Default.FleetSettings)?.SealKey;
            if (known?.Fingerprints.Sealed != fleet.SealKey?.Fingerprints.Sealed)
                throw new ClusterException(ErrorCode.StateConflict, "The key that encrypts secrets was replaced at the same time. Retry.");
            await Apply(fleet);
        }
        // Also if the fleet was already applied: its first import may have failed before this.
        List<string> keptActive = [.. fleet.Bots.Where(bot => bot.KeepActive is not null).Select(bot => bot.Id)];
        work.Run(stop => ScheduleKeepActive(keptActive, stop));
        await RefreshView();
        return new FleetImport(_log.Version, IsSuperseded: false);
    }

    /// <inheritdoc />
    public async Task<FleetChanges?> GetChanges(FleetPoll poll)
    {
        _processes.Confirm(poll.ProcessId, poll.KnownVersion);
        if (poll.KnownVersion > _log.Version) await Check(CancellationToken.None);
        else if (time.GetElapsedTime(_checkedAt) >= CheckInterval) work.Run(CheckAndLog);
        var changes = _log.GetChanges(poll);
        if (poll.Loads is null || _loads.Exchange(poll.ProcessId, poll.Loads) is not { Count: > 0 } loads) return changes;
        return (changes ?? new FleetChanges(_log.Version, IsFull: false, [])) with { Loads = loads };
    }

    /// <inheritdoc />
    public Task<FleetStatus> GetStatus() => Task.FromResult(new FleetStatus(_log.Version, _processes.List()));

    private async Task Apply(Fleet fleet)
    {
        var before = _log;
        var (changed, version) = (FleetRows.Difference(before, fleet, time.GetUtcNow()), before.Version + 1);
        _isImporting = true;
        try
        {
            await store.Commit(before.Version, version, changed);
        }
        catch
        {
            work.CancelAndDeactivate("The rows of a fleet were not written for certain.");
            throw;
        }
        finally
        {
            _isImporting = false;
        }
        _log = before.With(version, changed);
        LogApplied(logger, version, changed.Count);
    }

    private async Task<FleetLog> Load(CancellationToken cancellationToken)
    {
        var (version, rows) = await FleetSecrets.ReadAll(store, cancellationToken);
        return new FleetLog(version, rows);
    }

    /// <summary>Reads the rows again if another activation has written some. Callers share a check that is under way.</summary>
    private async Task Check(CancellationToken cancellationToken)
    {
        if (_isImporting) return;
        var check = _check ??= Reload(cancellationToken);
        try
        {
            await check;
        }
        finally
        {
            if (_check == check) _check = null;
        }
    }

    private async Task Reload(CancellationToken cancellationToken)
    {
        var known = _log;
        _checkedAt = time.GetTimestamp();
        if (await store.ReadVersion(cancellationToken) == known.Version) return;
        var loaded = await Load(cancellationToken);
        if (ReferenceEquals(_log, known) && !_isImporting) _log = loaded;
    }

    private async Task CheckAndLog(CancellationToken stop)
    {
        try
        {
            await Check(stop);
        }
        catch (ClusterException exception)
        {
            LogNotChecked(logger, exception, exception.Code);
        }
    }

    /// <summary>Makes this process use the fleet at once. Other processes do within a second.</summary>
    private async Task RefreshView()
    {
        try
        {
            await view.Refresh();
        }
        catch (ClusterException exception)
        {
            LogNotRefreshed(logger, exception, exception.Code);
        }
    }

    private async Task ScheduleKeepActive(List<string> bots, CancellationToken stop)
    {
        foreach (var bot in bots)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                await GrainFactory.Grain<IBotGrain>(bot).KeepActive();
            }
            catch (ClusterException exception)
            {
                LogKeepActiveFailed(logger, exception, bot, exception.Code);
            }
        }
    }

    [LoggerMessage(1002, LogLevel.Error, "The keep-active schedule of bot {BotId} could not be updated: {Code}")]
    private static partial void LogKeepActiveFailed(ILogger logger, Exception exception, string botId, ErrorCode code);

    [LoggerMessage(1003, LogLevel.Information, "Version {Version} of the fleet is in force; {Rows} rows have changed")]
    private static partial void LogApplied(ILogger logger, long version, int rows);

    [LoggerMessage(1004, LogLevel.Warning, "The catalog could not check which version of the fleet is stored: {Code}")]
    private static partial void LogNotChecked(ILogger logger, Exception exception, ErrorCode code);

    [LoggerMessage(1005, LogLevel.Warning, "This process uses a changed fleet a second later: {Code}")]
    private static partial void LogNotRefreshed(ILogger logger, Exception exception, ErrorCode code);
}
