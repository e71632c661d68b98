namespace CozeCluster.Grains;

/// <summary>Collects the rows of the next version of the fleet.</summary>
/// <param name="known">The version before.</param>
/// <param name="replacesFile">Whether the fleet file is replaced, so that its keys may go to other tenants.</param>
internal sealed class FleetDraft(FleetContent known, bool replacesFile = false)
{
    private readonly Dictionary<(FleetRowKind Kind, string Id), byte[]?> _rows = [];

    /// <summary>Writes a row.</summary>
    public void Put(FleetRowKind kind, string id, byte[] payload) => _rows[(kind, id)] = payload;

    /// <summary>Deletes a row.</summary>
    public void Delete(FleetRowKind kind, string id) => _rows[(kind, id)] = null;

    /// <summary>Replaces the rows of a thing; none deletes it.</summary>
    public void Replace(FleetItemId item, IEnumerable<(FleetRowKind Kind, string Id, byte[] Payload)> rows)
    {
        // Settings have a row for as long as there is a fleet.
        foreach (var row in item.Kind == FleetItemKind.Settings ? [] : known.RowsOf(item)) Delete(row.Kind, row.Id);
        foreach (var (kind, id, payload) in rows) Put(kind, id, payload);
    }

    /// <summary>Deletes all keys of a tenant.</summary>
    public void DeleteKeys(string tenantId)
    {
        foreach (var key in known.List(FleetItemKind.Key, tenantId))
        {
            Replace(key, []);
            Mark(key, null);
        }
    }

    /// <summary>Marks a thing as managed through the API; null: it is not any more.</summary>
    public void Mark(FleetItemId item, FleetMark? mark)
    {
        var id = FleetMark.RowId(item);
        if (mark is null) Delete(FleetRowKind.Managed, id);
        else Put(FleetRowKind.Managed, id, FleetRows.Write(mark, StateJson.Default.FleetMark));
    }

    /// <summary>Writes the settings. What is stored about the key that encrypts secrets is not changed: only its rotation does that.</summary>
    public void PutSettings(FleetSettings settings) => Put(
        FleetRowKind.Settings, FleetSettings.Id,
        FleetRows.Write(settings with { SealKey = known.Index.Settings.SealKey }, StateJson.Default.FleetSettings));

    /// <summary>
    /// The rows that differ from the version before, which become the next one. A secret of a key that something else has already is refused.
    /// </summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: see above.</exception>
    public List<FleetRow> Complete()
    {
        if (known.Log.Find(FleetRowKind.ConversationKey, FleetRows.ConversationKeyId)?.Payload is not { Length: ConversationIds.KeyBytes })
        {
            // Created once: under another key, nobody would find the named conversations.
            Put(FleetRowKind.ConversationKey, FleetRows.ConversationKeyId, ConversationIds.NewKey());
        }
        var version = known.Log.Version + 1;
        var changed = new List<FleetRow>();
        foreach (var ((kind, id), payload) in _rows)
        {
            var before = known.Log.Find(kind, id);
            if (payload is null ? before is null : before?.Payload.AsSpan().SequenceEqual(payload) == true) continue;
            changed.Add(new FleetRow(kind, id, version, payload));
        }
        foreach (var row in changed.Where(row => row is { Kind: FleetRowKind.Key, Payload: not null })) RequireOwnSecret(row);
        return changed;
    }

    // The rows of keys are found by their secrets, so a key with the secret of another one would replace it.
    private void RequireOwnSecret(FleetRow row)
    {
        if (known.Log.Find(row.Kind, row.Id) is not { } before || FleetContent.ItemOf(before) is not { } owner || FleetContent.ItemOf(row) == owner) return;
        var isReplaced = known.Marks.ContainsKey(owner)
            ? _rows.TryGetValue((FleetRowKind.Managed, FleetMark.RowId(owner)), out var mark) && mark is null
            : replacesFile;
        if (isReplaced) return;
        throw new ClusterException(
            ErrorCode.InvalidRequest, $"The {FleetContent.ItemOf(row)} has the secret of another API key. Every key needs a secret of its own.");
    }
}
