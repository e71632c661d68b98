namespace CozeCluster.Grains;

/// <summary>
/// Merges whole fleets with what is managed through the API. A fleet file replaces everything else, and does not change managed things; their marks
/// keep what it says about them. A document of the API replaces what is managed, and does not change what the file declares.
/// </summary>
internal static class FleetMerge
{
    /// <summary>The rows that are written to apply a fleet file.</summary>
    /// <param name="known">The version before.</param>
    /// <param name="fleet">The content of the file.</param>
    /// <param name="now">The date of models that are new and have none.</param>
    /// <param name="unchanged">Receives the managed things that the file declares otherwise.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the file lacks the tenant of a managed key, which nobody could see or revoke then.
    /// </exception>
    public static List<FleetRow> ApplyFile(FleetContent known, Fleet fleet, DateTimeOffset now, ICollection<FleetItemId> unchanged)
    {
        var draft = new FleetDraft(known, replacesFile: true);
        var declared = known.Marks.Keys.Where(item => !IsOrphanedKey(known, item)).ToDictionary(item => item, _ => new List<DeclaredRow>());
        RequireTenants(known, declared.Keys, [.. fleet.Tenants.Select(tenant => tenant.Id)]);
        var kept = new HashSet<(FleetRowKind, string)>();
        foreach (var (item, kind, id, payload) in FleetRows.Convert(known.Log, fleet, now))
        {
            if (declared.TryGetValue(item, out var rows))
            {
                rows.Add(new DeclaredRow(id, payload));
                continue;
            }
            kept.Add((kind, id));
            draft.Put(kind, id, payload);
        }
        draft.PutSettings(MergeSettings(known, fleet, declared.GetValueOrDefault(FleetItemId.Settings)));
        draft.Put(FleetRowKind.Imports, FleetImports.Id, FleetRows.Write(known.Log.Imports.With(fleet), StateJson.Default.FleetImports));
        foreach (var row in known.Log.Rows.Where(row => !IsOwn(row.Kind) && !kept.Contains((row.Kind, row.Id))))
        {
            if (FleetContent.ItemOf(row) is not { } item || !declared.ContainsKey(item)) draft.Delete(row.Kind, row.Id);
        }
        foreach (var key in known.Marks.Keys.Where(item => IsOrphanedKey(known, item))) draft.Mark(key, null);
        foreach (var (item, rows) in declared)
        {
            draft.Mark(item, known.Marks[item] with { Declared = rows });
            if (rows.Count > 0 && !IsSame(known.RowsOf(item), rows)) unchanged.Add(item);
        }
        return draft.Complete();
    }

    /// <summary>What a document of the API changes.</summary>
    /// <param name="known">The version before.</param>
    /// <param name="fleet">The content of the document.</param>
    /// <param name="by">Who sent it.</param>
    /// <param name="now">The time of the change.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: something new has a name that it must not have.</exception>
    public static (List<FleetRow> Rows, List<(FleetItemId Item, FleetDifferenceKind Change)> Differences) ApplyDocument(
        FleetContent known, Fleet fleet, string by, DateTimeOffset now)
    {
        var draft = new FleetDraft(known);
        var differences = new List<(FleetItemId, FleetDifferenceKind)>();
        var items = FleetRows.Convert(known.Log, fleet, now).GroupBy(row => row.Item).ToDictionary(rows => rows.Key, rows => rows.ToList());
        var ids = Enum.GetValues<FleetItemKind>().Where(kind => kind != FleetItemKind.Settings).SelectMany(kind => known.List(kind, null)).ToHashSet();
        foreach (var item in ids.Union(items.Keys))
        {
            var rows = items.GetValueOrDefault(item) ?? [];
            var before = known.RowsOf(item);
            var mark = known.Marks.GetValueOrDefault(item);
            // What the file declares cannot be deleted: it becomes what the file says.
            var restored = rows.Count == 0 && mark?.Declared.Count > 0;
            if (restored) rows = [.. mark!.Declared.Select(row => (item, FleetContent.KindOf(item.Kind), row.Id, row.Payload))];
            if (!restored && IsSame(before, [.. rows.Select(row => new DeclaredRow(row.Id, row.Payload))])) continue;
            var change = known.IsReadOnly(item) ? FleetDifferenceKind.Refused
                : before.Count == 0 ? FleetDifferenceKind.Created
                : rows.Count == 0 || restored ? FleetDifferenceKind.Deleted : FleetDifferenceKind.Changed;
            differences.Add((item, change));
            if (change == FleetDifferenceKind.Refused) continue;
            draft.Replace(item, rows.Select(row => (row.Kind, row.Id, row.Payload)));
            draft.Mark(item, change == FleetDifferenceKind.Deleted ? null : new FleetMark(now, by) { Declared = mark?.Declared ?? [] });
        }
        FleetNames.Check(known, differences.Where(one => one.Item2 == FleetDifferenceKind.Created).Select(one => one.Item1), fleet);
        ReplaceSettings(known, fleet, by, now, draft, differences);
        return (draft.Complete(), differences);
    }

    /// <summary>Settings with the content of a fleet and the models of others.</summary>
    public static FleetSettings Settings(FleetContent known, Fleet fleet, IReadOnlyList<string> models) => new(models)
    {
        Notifications = FleetRows.KeepSeals(known.Index.Settings.Notifications, fleet.Notifications),
        Endpoints = fleet.Endpoints,
    };

    private static FleetSettings MergeSettings(FleetContent known, Fleet fleet, List<DeclaredRow>? declared)
    {
        var inFile = fleet.Models.Select(model => model.Id).ToList();
        // Managed models keep their place where the file has one for them.
        var managed = known.Index.Settings.Models.Where(id => known.Marks.ContainsKey(new(FleetItemKind.Model, id)));
        List<string> models = [.. inFile, .. managed.Except(inFile)];
        var settings = Settings(known, fleet, models);
        if (declared is null) return settings;
        declared.Add(new DeclaredRow(FleetSettings.Id, FleetRows.Write(settings with { Models = [], SealKey = null }, StateJson.Default.FleetSettings)));
        return known.Index.Settings with { Models = models };
    }

    /// <summary>Whether an item is a key without a tenant. It cannot be used, and is deleted. A tenant whose row is damaged still counts.</summary>
    private static bool IsOrphanedKey(FleetContent known, FleetItemId item) =>
        item.Kind == FleetItemKind.Key && known.Log.Find(FleetRowKind.Tenant, item.TenantOfKey()) is null;

    private static void RequireTenants(FleetContent known, IEnumerable<FleetItemId> managed, HashSet<string> declared)
    {
        foreach (var key in managed.Where(item => item.Kind == FleetItemKind.Key && known.RowsOf(item).Count > 0))
        {
            var tenant = key.TenantOfKey();
            if (declared.Contains(tenant) || known.Marks.ContainsKey(new(FleetItemKind.Tenant, tenant))) continue;
            throw new ClusterException(
                ErrorCode.InvalidRequest,
                $"tenants[{tenant}].keys[{key.NameOfKey()}]: There is no tenant '{tenant}'. Delete the keys that were made for it through the API first.");
        }
    }

    private static void ReplaceSettings(
        FleetContent known, Fleet fleet, string by, DateTimeOffset now, FleetDraft draft, List<(FleetItemId, FleetDifferenceKind)> differences)
    {
        var before = known.Index.Settings;
        var after = Settings(known, fleet, [.. fleet.Models.Select(model => model.Id)]);
        var isSame = IsSame(before with { Models = [], SealKey = null }, after with { Models = [] });
        var isRefused = !isSame && known.IsReadOnly(FleetItemId.Settings);
        if (!isSame) differences.Add((FleetItemId.Settings, isRefused ? FleetDifferenceKind.Refused : FleetDifferenceKind.Changed));
        if (isRefused) return;
        draft.PutSettings(after);
        if (isSame) return;
        draft.Mark(FleetItemId.Settings, new FleetMark(now, by) { Declared = known.Marks.GetValueOrDefault(FleetItemId.Settings)?.Declared ?? [] });
    }

    private static bool IsSame(IReadOnlyList<FleetRow> rows, IReadOnlyList<DeclaredRow> others) =>
        rows.Count == others.Count && others.All(other => rows.Any(row => row.Id == other.Id && row.Payload.AsSpan().SequenceEqual(other.Payload)));

    private static bool IsSame(FleetSettings one, FleetSettings other) =>
        FleetRows.Write(one, StateJson.Default.FleetSettings).AsSpan().SequenceEqual(FleetRows.Write(other, StateJson.Default.FleetSettings));

    // The catalog's own rows, and the settings, are written by themselves.
    private static bool IsOwn(FleetRowKind kind) =>
        kind is FleetRowKind.Settings or FleetRowKind.Imports or FleetRowKind.ConversationKey or FleetRowKind.Managed;
}
