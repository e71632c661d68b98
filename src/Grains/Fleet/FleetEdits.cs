namespace CozeCluster.Grains;

/// <summary>Makes the rows of a change of one thing.</summary>
internal static class FleetEdits
{
    /// <summary>The largest number of things of a kind, except keys.</summary>
    public const int MaxItems = 50_000;

    /// <summary>The largest number of keys that are made through the API for a tenant.</summary>
    public const int MaxKeys = 1_000;

    /// <summary>Makes the rows of a change.</summary>
    /// <exception cref="ClusterException">See <see cref="ICatalogGrain.Change"/>.</exception>
    public static List<FleetRow> Apply(FleetContent known, FleetEdit edit, IFleetDocuments documents, DateTimeOffset now)
    {
        var item = edit.Item;
        var version = known.VersionOf(item);
        // Settings always exist, if only with nothing in them.
        var exists = version > 0 || item.Kind == FleetItemKind.Settings;
        if (!exists && (edit.Action != FleetEditAction.Put || edit.Expected is not (null or FleetEdit.New)))
            throw new ClusterException(ErrorCode.NotFound, $"There is no {item}.");
        if (edit.Expected is not (null or FleetEdit.AnyVersion) && edit.Expected != version) throw Stale(item, edit.Expected == FleetEdit.New);
        if (edit.Action != FleetEditAction.Release && known.IsReadOnly(item))
        {
            throw new ClusterException(
                ErrorCode.Conflict, $"The {item} comes from the fleet file. Change it there, or release it first, and then change it through the API.");
        }
        RequireAdminRights(known, edit, item);
        var draft = new FleetDraft(known);
        switch (edit.Action)
        {
            case FleetEditAction.Release: Release(known, edit, now, draft); break;
            case FleetEditAction.Delete: Delete(known, edit, draft); break;
            case FleetEditAction.Rotate: Put(known, edit, Rotate(known, edit, now), now, draft); break;
            default:
                if (!exists) RequireRoom(known, item);
                var content = documents.ReadItem(edit, StoredOf(known, edit, exists));
                FleetNames.Check(known, exists ? [] : [item], content);
                Put(known, edit, content, now, draft);
                break;
        }
        var rows = draft.Complete();
        RequireContentRights(known, edit, rows);
        return rows;
    }

    private static Fleet StoredOf(FleetContent known, FleetEdit edit, bool exists)
    {
        if (exists || edit.Item.Kind != FleetItemKind.Key) return known.Only(edit.Item);
        var tenant = edit.Item.TenantOfKey();
        if (known.Index.FindTenant(tenant) is null) throw new ClusterException(ErrorCode.NotFound, $"There is no tenant '{tenant}'.");
        var empty = Fleet.Empty with { SealKey = known.Index.Settings.SealKey };
        if (edit.Key is not { } key) return empty;
        // The secret of a new key is known only as its hash, as that of a stored one.
        var made = new ApiKeyDefinition(edit.Item.NameOfKey(), key.Hash, Admin: false) { Hint = key.Hint };
        return empty with { Tenants = [new TenantDefinition { Id = tenant, Keys = [made] }] };
    }

    private static void Put(FleetContent known, FleetEdit edit, Fleet content, DateTimeOffset now, FleetDraft draft)
    {
        var item = edit.Item;
        if (!edit.IsByOwner && content.Tenants.SelectMany(tenant => tenant.Keys).Any(key => key.Admin)) throw NoAdmins();
        if (item.Kind == FleetItemKind.Settings)
        {
            draft.PutSettings(FleetMerge.Settings(known, content, known.Index.Settings.Models));
        }
        else
        {
            var made = item.Kind == FleetItemKind.Key ? content.Tenants.SelectMany(FleetRows.ConvertKeys) : FleetRows.Convert(known.Log, content, now);
            var rows = made.ToList();
            // Everything above was checked for the id of the request. The reader trims texts, so the content could be that of another thing.
            if (rows.Exists(row => row.Item != item))
                throw new ClusterException(ErrorCode.InvalidRequest, "An id must not begin or end with a space.", "id");
            draft.Replace(item, rows.Select(row => (row.Kind, row.Id, row.Payload)));
            KeepModels(known, item, isThere: true, draft);
            // A new tenant must not get the keys of a deleted tenant with the same id.
            if (item.Kind == FleetItemKind.Tenant && known.VersionOf(item) == 0) draft.DeleteKeys(item.Id);
        }
        draft.Mark(item, MarkOf(known, edit, now));
    }

    private static void Release(FleetContent known, FleetEdit edit, DateTimeOffset now, FleetDraft draft)
    {
        var item = edit.Item;
        if (!known.IsReadOnly(item)) return;
        var declared = item.Kind == FleetItemKind.Settings
            ? [new DeclaredRow(FleetSettings.Id, FleetRows.Write(known.Index.Settings with { Models = [], SealKey = null }, StateJson.Default.FleetSettings))]
            : known.RowsOf(item).Select(row => new DeclaredRow(row.Id, row.Payload!)).ToList();
        draft.Mark(item, MarkOf(known, edit, now) with { Declared = declared });
    }

    private static void Delete(FleetContent known, FleetEdit edit, FleetDraft draft)
    {
        var item = edit.Item;
        var declared = known.Marks.GetValueOrDefault(item)?.Declared ?? [];
        draft.Mark(item, null);
        if (item.Kind == FleetItemKind.Settings)
        {
            var before = declared is [var row] ? FleetRows.Read(row.Payload, StateJson.Default.FleetSettings) : new FleetSettings([]);
            draft.PutSettings(before with { Models = known.Index.Settings.Models });
            return;
        }
        draft.Replace(item, declared.Select(row => (FleetContent.KindOf(item.Kind), row.Id, row.Payload)));
        if (declared.Count > 0) return;
        KeepModels(known, item, isThere: false, draft);
        if (item.Kind == FleetItemKind.Tenant) draft.DeleteKeys(item.Id);
    }

    private static Fleet Rotate(FleetContent known, FleetEdit edit, DateTimeOffset now)
    {
        var item = edit.Item;
        if (item.Kind != FleetItemKind.Key || edit.Key is not { } made) throw new ClusterException(ErrorCode.InvalidRequest, "Only keys can be rotated.");
        var key = known.ReadKeys(item).Single();
        var running = key.Previous?.Until > now ? key.Previous : null;
        if (running is not null && edit.Overlap > TimeSpan.Zero && !edit.ReplacesLost)
        {
            throw new ClusterException(
                ErrorCode.Conflict,
                $"The overlap of the last rotation runs until {running.Until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}: another one would cut off clients that use the "
                + "key before. Wait, or send lost=true if nobody has received the newest key, or overlap=0s to end both keys at once.", "overlap");
        }
        var previous = edit.Overlap <= TimeSpan.Zero ? null
            : running is not null ? running
            : new PreviousApiKey(key.Hash, now + edit.Overlap);
        var rotated = key with { Hash = made.Hash, Hint = made.Hint, Previous = previous };
        return Fleet.Empty with { Tenants = [new TenantDefinition { Id = item.TenantOfKey(), Keys = [rotated] }] };
    }

    private static FleetMark MarkOf(FleetContent known, FleetEdit edit, DateTimeOffset now) =>
        new(now, edit.By) { Declared = known.Marks.GetValueOrDefault(edit.Item)?.Declared ?? [] };

    private static void KeepModels(FleetContent known, FleetItemId item, bool isThere, FleetDraft draft)
    {
        var settings = known.Index.Settings;
        if (item.Kind == FleetItemKind.Model && settings.Models.Contains(item.Id) != isThere)
        {
            draft.PutSettings(settings with { Models = isThere ? [.. settings.Models, item.Id] : [.. settings.Models.Where(id => id != item.Id)] });
        }
        else if (known.Log.Find(FleetRowKind.Settings, FleetSettings.Id) is null)
        {
            draft.PutSettings(settings);
        }
    }

    private static void RequireAdminRights(FleetContent known, FleetEdit edit, FleetItemId item)
    {
        if (edit.IsByOwner) return;
        IEnumerable<FleetItemId> keys = item.Kind switch
        {
            FleetItemKind.Key => [item],
            FleetItemKind.Tenant when edit.Action == FleetEditAction.Delete => known.List(FleetItemKind.Key, item.Id),
            _ => [],
        };
        if (keys.Any(known.IsAdminKey)) throw NoAdmins();
    }

    // Traces would show prompts and replies, which only owners may read. A deletion can switch this on too, because it restores the tenant of the fleet
    // file.
    private static void RequireContentRights(FleetContent known, FleetEdit edit, List<FleetRow> rows)
    {
        if (edit.IsByOwner || known.Index.FindTenant(edit.Item.Id) is { TelemetryContent: true }) return;
        foreach (var row in rows)
        {
            if (row is not { Kind: FleetRowKind.Tenant, Payload: { } payload }) continue;
            if (FleetRows.Read(payload, MessagesJson.Default.TenantDefinition).TelemetryContent)
                throw new ClusterException(ErrorCode.PermissionDenied, "Only owners may switch on the export of prompts and replies.", "telemetry_content");
        }
    }

    private static void RequireRoom(FleetContent known, FleetItemId item)
    {
        var (count, max) = item.Kind == FleetItemKind.Key
            ? (known.CountKeys(item.TenantOfKey()), MaxKeys)
            : (known.Log.Rows.Count(row => row.Kind == FleetContent.KindOf(item.Kind)), MaxItems);
        if (count >= max) throw new ClusterException(ErrorCode.Conflict, $"There are {max} already; no more can be made through the API.");
    }

    private static ClusterException Stale(FleetItemId item, bool mustBeNew) => new(
        ErrorCode.PreconditionFailed,
        mustBeNew ? $"There is a {item} already." : $"The {item} has changed since it was read. Read it again, and repeat the change on what it is now.");

    private static ClusterException NoAdmins() => new(ErrorCode.PermissionDenied, "Only owners may make, change and delete admin keys.");
}
