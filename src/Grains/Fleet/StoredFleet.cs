namespace CozeCluster.Grains;

/// <summary>
/// The fleet in a storage, for commands that have no catalog. Nodes may run: the version in the storage decides between this and their catalog, which reads
/// what this has written within a second.
/// </summary>
public sealed class StoredFleet(IFleetStore store, IFleetDocuments documents, TimeProvider time)
{
    private const int MaxAttempts = 5;

    /// <summary>Changes one thing. See <see cref="ICatalogGrain.Change"/>.</summary>
    /// <param name="edit">The change.</param>
    /// <param name="cancellationToken">Cancels the reads. A write is not cancelled.</param>
    /// <exception cref="ClusterException">As <see cref="ICatalogGrain.Change"/>, or the storage cannot be used.</exception>
    public async Task<FleetEdited> Change(FleetEdit edit, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            var before = new FleetContent(await Load(store, cancellationToken));
            var changed = FleetEdits.Apply(before, edit, documents, time.GetUtcNow());
            if (changed.Count == 0) return new FleetEdited(before.Log.Version, before.Read(edit.Item, documents));
            var version = before.Log.Version + 1;
            var after = before.With(version, changed);
            documents.Check(after.AffectedBy(edit.Item), edit.Item);
            try
            {
                await store.Commit(before.Log.Version, version, changed);
                return new FleetEdited(version, after.Read(edit.Item, documents));
            }
            catch (ClusterException exception) when (exception.Code == ErrorCode.StateConflict && attempt < MaxAttempts)
            {
                // A catalog has written something else.
            }
        }
    }

    /// <summary>Lists the things of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="tenantId">For keys, their tenant; null: all.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<IReadOnlyList<FleetItem>> List(FleetItemKind kind, string? tenantId, CancellationToken cancellationToken = default)
    {
        var content = new FleetContent(await Load(store, cancellationToken));
        return [.. content.List(kind, tenantId).Select(item => content.Read(item, documents)).OfType<FleetItem>()];
    }

    /// <summary>Reads all rows of one version.</summary>
    internal static async Task<FleetLog> Load(IFleetStore store, CancellationToken cancellationToken)
    {
        var (version, rows) = await FleetSecrets.ReadAll(store, cancellationToken);
        return new FleetLog(version, rows);
    }
}
