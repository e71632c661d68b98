using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Stores the applied fleet as rows, and gives every process the rows that have changed. Its secrets are sealed. The storage decides which rows are right: an
/// import whose rows were not written for certain ends the activation, and the next one reads them.
/// </summary>
[GrainType("catalog"), ActivationCountBasedPlacement]
public sealed partial class CatalogGrain(
    IFleetStore store, IFleetDocuments documents, IFleetView view, BackgroundWork work, TimeProvider time, ILogger<CatalogGrain> logger)
    : Grain, ICatalogGrain
{
    /// <summary>
    /// While a cluster detects the failure of a silo, two activations may exist for some seconds. The older one must not confirm a fleet that the other one has
    /// replaced.
    /// </summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    private readonly FleetProcesses _processes = new(time);
    private readonly LoadBoard _loads = new();
    private FleetContent _content = new(new FleetLog(0, []));
    private bool _isCommitting;
    private Task? _check;
    private long _checkedAt;

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _content = new FleetContent(await StoredFleet.Load(store, cancellationToken));
        _checkedAt = time.GetTimestamp();
    }

    private FleetLog Log => _content.Log;

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => work.StopAsync();

    /// <inheritdoc />
    public async Task<FleetImport> Import(Fleet fleet, bool isStart)
    {
        var imports = Log.Imports;
        List<FleetItemId> unchanged = [];
        if (!imports.IsCurrent(fleet.Version))
        {
            if (isStart && imports.IsSuperseded(fleet.Version)) return new FleetImport(Log.Version, IsSuperseded: true);
            if (fleet.DeclaredVersion < imports.DeclaredVersion)
            {
                throw new ClusterException(
                    ErrorCode.InvalidRequest,
                    $"The fleet has version {fleet.DeclaredVersion}, but version {imports.DeclaredVersion} is in force. "
                    + $"Set 'version' to {imports.DeclaredVersion} or more to replace it.");
            }
            if (_content.Index.Settings.SealKey?.Fingerprints.Sealed != fleet.SealKey?.Fingerprints.Sealed)
                throw new ClusterException(ErrorCode.StateConflict, "The key that encrypts secrets was replaced at the same time. Retry.");
            var isChecked = _content.Marks.Count == 0;
            var changed = FleetMerge.ApplyFile(_content, fleet, time.GetUtcNow(), unchanged);
            var after = _content.With(Log.Version + 1, changed);
            if (!isChecked) documents.Check(after.Index.ToFleet(), changed: null);
            await Commit(changed, after);
        }
        // Also if the fleet was already applied: its first import may have failed before this.
        KeepActive(fleet.Bots);
        await RefreshView();
        return new FleetImport(Log.Version, IsSuperseded: false) { Unchanged = unchanged };
    }

    /// <inheritdoc />
    public async Task<FleetEdited> Change(FleetEdit edit)
    {
        var changed = FleetEdits.Apply(_content, edit, documents, time.GetUtcNow());
        var after = _content.With(Log.Version + 1, changed);
        if (edit.IsByOwner) RequireOwner(after);
        documents.Check(after.AffectedBy(edit.Item), edit.Item);
        await Commit(changed, after);
        KeepActive(_content.Only(edit.Item).Bots);
        await RefreshView();
        return new FleetEdited(Log.Version, _content.Read(edit.Item, documents));
    }

    /// <inheritdoc />
    public async Task<FleetDifferences> ImportDocument(FleetDocument document)
    {
        var before = _content;
        if (document.Expected is { } expected && expected != Log.Version)
            throw new ClusterException(ErrorCode.PreconditionFailed, "The fleet has changed since it was read. Compare the document with it again.");
        var fleet = documents.Read(document.Text, before.Index.ToFleet());
        var (changed, differences) = FleetMerge.ApplyDocument(before, fleet, document.By, time.GetUtcNow());
        var refused = differences.Find(difference => difference.Change == FleetDifferenceKind.Refused);
        if (!document.IsDryRun && refused != default)
        {
            throw new ClusterException(
                ErrorCode.Conflict, $"The {refused.Item} comes from the fleet file, and the document has it otherwise. Release it first, or change the file.");
        }
        var after = before.With(Log.Version + 1, changed);
        documents.Check(after.Index.ToFleet(), changed: null);
        RequireOwner(after);
        if (document.ByKey is { } key && !after.Index.IsOwner(key, time.GetUtcNow()))
        {
            throw new ClusterException(
                ErrorCode.Conflict,
                "The API key of this request would not be the key of an owner any more. Keep it in the document, or send another owner's key.");
        }
        if (!document.IsDryRun)
        {
            await Commit(changed, after);
            KeepActive(fleet.Bots);
            await RefreshView();
        }
        var listed = from difference in differences
                     orderby difference.Item.Kind, difference.Item.Id
                     select new FleetDifference(difference.Item, difference.Change, Fields(difference.Item, difference.Change));
        return new FleetDifferences(Log.Version, [.. listed]);

        IReadOnlyList<string> Fields(FleetItemId item, FleetDifferenceKind change) => change switch
        {
            FleetDifferenceKind.Changed => FleetItemText.FieldsThatDiffer(before.Only(item), after.Only(item), item, documents),
            FleetDifferenceKind.Refused => FleetItemText.FieldsThatDiffer(before.Only(item), fleet, item, documents),
            _ => [],
        };
    }

    /// <inheritdoc />
    public Task<FleetItem?> ReadItem(FleetItemId id) => Task.FromResult(_content.Read(id, documents));

    /// <inheritdoc />
    public Task<FleetItemPage> ListItems(FleetItemKind kind, string? tenantId, string? after, int limit)
    {
        var ids = _content.List(kind, tenantId).Where(item => after is null || string.CompareOrdinal(item.Id, after) > 0).Take(limit + 1).ToList();
        var items = ids.Take(limit).Select(item => _content.Read(item, documents)).OfType<FleetItem>();
        return Task.FromResult(new FleetItemPage([.. items], ids.Count > limit ? ids[limit - 1].Id : null));
    }

    /// <inheritdoc />
    public Task<FleetExport> Export(bool withSecrets) =>
        Task.FromResult(new FleetExport(Log.Version, documents.Write(_content.Index.ToFleet(), withSecrets)));

    /// <inheritdoc />
    public async Task<FleetChanges?> GetChanges(FleetPoll poll)
    {
        _processes.Confirm(poll.ProcessId, poll.KnownVersion);
        if (poll.KnownVersion > Log.Version) await Check(CancellationToken.None);
        else if (time.GetElapsedTime(_checkedAt) >= CheckInterval) work.Run(CheckAndLog);
        var changes = Log.GetChanges(poll);
        if (poll.Loads is null || _loads.Exchange(poll.ProcessId, poll.Loads) is not { Count: > 0 } loads) return changes;
        return (changes ?? new FleetChanges(Log.Version, IsFull: false, [])) with { Loads = loads };
    }

    /// <inheritdoc />
    public Task<FleetStatus> GetStatus() => Task.FromResult(new FleetStatus(Log.Version, _processes.List()));

    private void RequireOwner(FleetContent after)
    {
        var now = time.GetUtcNow();
        if (_content.Index.HasOwner(now) && !after.Index.HasOwner(now))
            throw new ClusterException(ErrorCode.Conflict, "No valid key of an owner would be left, so nobody could make one through the API.");
    }

    /// <summary>Writes the rows of a change.</summary>
    /// <param name="changed">The rows; none changes nothing.</param>
    /// <param name="after">The content with them. It is valid.</param>
    private async Task Commit(List<FleetRow> changed, FleetContent after)
    {
        if (changed.Count == 0) return;
        var (before, version) = (_content, after.Log.Version);
        _isCommitting = true;
        try
        {
            await store.Commit(before.Log.Version, version, changed);
        }
        catch
        {
            work.CancelAndDeactivate("It is uncertain whether the rows of a fleet were written.");
            throw;
        }
        finally
        {
            _isCommitting = false;
        }
        _content = after;
        LogApplied(logger, version, changed.Count);
    }

    private void KeepActive(IEnumerable<BotDefinition> changed)
    {
        List<string> bots = [.. changed.Where(bot => bot.KeepActive is not null).Select(bot => bot.Id)];
        if (bots.Count > 0) work.Run(stop => ScheduleKeepActive(bots, stop));
    }

    /// <summary>Reads the rows again if another activation has written some. Callers share a check that is under way.</summary>
    private async Task Check(CancellationToken cancellationToken)
    {
        if (_isCommitting) return;
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
        var known = _content;
        _checkedAt = time.GetTimestamp();
        if (await store.ReadVersion(cancellationToken) == known.Log.Version) return;
        var loaded = await StoredFleet.Load(store, cancellationToken);
        if (ReferenceEquals(_content, known) && !_isCommitting) _content = new FleetContent(loaded);
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
