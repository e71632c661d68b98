using System.Collections.Immutable;
using System.Text.Json;

namespace CozeCluster.Grains;

/// <summary>One version of the fleet as the catalog works with it: its rows, what they mean, and which things are managed through the API. Immutable.</summary>
internal sealed class FleetContent
{
    private readonly ImmutableDictionary<FleetItemId, FleetMark> _marks;
    private readonly FleetKeyNames _keys;
    private FleetIndex? _index;

    /// <summary>Reads the rows. Damaged rows are ignored.</summary>
    public FleetContent(FleetLog log)
        : this(log, ChangeMarks(ImmutableDictionary<FleetItemId, FleetMark>.Empty, log.Rows), FleetKeyNames.None.With(FleetLog.Empty, log.Rows))
    {
    }

    private FleetContent(FleetLog log, ImmutableDictionary<FleetItemId, FleetMark> marks, FleetKeyNames keys) => (Log, _marks, _keys) = (log, marks, keys);

    /// <summary>The rows.</summary>
    public FleetLog Log { get; }

    /// <summary>What they mean.</summary>
    public FleetIndex Index => _index ??= FleetIndex.Empty.With(Log.Version, isFull: true, [.. Log.Rows], static (_, _) => { });

    /// <summary>The things that are managed through the API.</summary>
    public IReadOnlyDictionary<FleetItemId, FleetMark> Marks => _marks;

    /// <summary>The content after rows were written. Only these are read.</summary>
    public FleetContent With(long version, IReadOnlyList<FleetRow> changed) => new(
        Log.With(version, changed), ChangeMarks(_marks, changed), _keys.With(Log, changed))
    {
        _index = _index?.With(version, isFull: false, changed, static (_, _) => { }),
    };

    /// <summary>The thing that a row is about; null for the catalog's own rows.</summary>
    public static FleetItemId? ItemOf(FleetRow row)
    {
        switch (row.Kind)
        {
            case FleetRowKind.Key:
                var key = ReadKey(row);
                return key is null ? null : FleetItemId.Key(key.TenantId, key.Name);
            case FleetRowKind.Settings: return FleetItemId.Settings;
            case FleetRowKind.Tenant: return new(FleetItemKind.Tenant, row.Id);
            case FleetRowKind.Account: return new(FleetItemKind.Account, row.Id);
            case FleetRowKind.Listener: return new(FleetItemKind.Listener, row.Id);
            case FleetRowKind.Bot: return new(FleetItemKind.Bot, row.Id);
            case FleetRowKind.Model: return new(FleetItemKind.Model, row.Id);
            default: return null;
        }
    }

    /// <summary>The rows of a thing; empty if the fleet does not have it.</summary>
    public IReadOnlyList<FleetRow> RowsOf(FleetItemId item)
    {
        if (item.Kind == FleetItemKind.Key) return [.. _keys.RowsOf(item).Select(id => Log.Find(FleetRowKind.Key, id)!)];
        return Log.Find(KindOf(item.Kind), item.Id) is { } row ? [row] : [];
    }

    /// <summary>The ids of all things of a kind, ordered.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="tenantId">The tenant of keys; null: all.</param>
    public IReadOnlyList<FleetItemId> List(FleetItemKind kind, string? tenantId)
    {
        if (tenantId is not null) return [.. _keys.List(tenantId)];
        var items = kind == FleetItemKind.Key ? _keys.All : Log.Rows.Where(row => row.Kind == KindOf(kind)).Select(ItemOf).OfType<FleetItemId>();
        return [.. items.OrderBy(item => item.Id, StringComparer.Ordinal)];
    }

    /// <summary>How many keys a tenant has.</summary>
    public int CountKeys(string tenantId) => _keys.Count(tenantId);

    /// <summary>The version of a thing; 0 if the fleet does not have it.</summary>
    public long VersionOf(FleetItemId item)
    {
        // The row of the settings has the order of the models, too. It counts here, so that a change may have to be repeated without need.
        var rows = RowsOf(item);
        if (rows.Count == 0) return 0;
        return Math.Max(rows.Max(row => row.Version), Log.Find(FleetRowKind.Managed, FleetMark.RowId(item))?.Version ?? 0);
    }

    /// <summary>Whether a thing is as the fleet file declares it, so that the API must not change it.</summary>
    public bool IsReadOnly(FleetItemId item) => RowsOf(item).Count > 0 && !Marks.ContainsKey(item)
        // Settings exist also where no file was ever applied.
        && (item.Kind != FleetItemKind.Settings || Log.Imports.Hashes.Count > 0);

    /// <summary>A fleet that has only this thing, if it exists.</summary>
    public Fleet Only(FleetItemId item)
    {
        var id = item.Id;
        var empty = Fleet.Empty with { SealKey = Index.Settings.SealKey };
        return item.Kind switch
        {
            FleetItemKind.Tenant => empty with { Tenants = One(Index.FindTenant(id)) },
            FleetItemKind.Key => empty with { Tenants = [new TenantDefinition { Id = item.TenantOfKey(), Keys = [.. ReadKeys(item)] }] },
            FleetItemKind.Account => empty with { Accounts = One(Index.FindAccount(id)) },
            FleetItemKind.Listener => empty with { Listeners = One(Index.FindListener(id)) },
            FleetItemKind.Bot => empty with { Bots = One(Index.FindBot(id)) },
            FleetItemKind.Model => empty with { Models = One(Index.FindOwnModel(id)) },
            _ => empty with { Notifications = Index.Settings.Notifications, Endpoints = Index.Settings.Endpoints },
        };

        static IReadOnlyList<T> One<T>(T? found) where T : class => found is null ? [] : [found];
    }

    /// <summary>
    /// The part of the fleet that a change of a thing can make invalid, if the rest was valid before. A key refers to nothing but models of its tenant, nothing
    /// refers to a key, and two keys cannot have one secret, because it is the id of their rows. Anything else is checked with the whole fleet.
    /// </summary>
    public Fleet AffectedBy(FleetItemId item)
    {
        if (item.Kind != FleetItemKind.Key) return Index.ToFleet();
        var (part, tenantId) = (Only(item), item.TenantOfKey());
        if (part.Tenants.All(tenant => tenant.Keys.All(key => key.Models.Count == 0))) return part;
        var offered = Index.OrderedModels.Where(model => model.IsOfferedTo(tenantId)).Select(model => model with { Bots = [], Fallback = [], Tenants = [] });
        return part with { Models = [.. offered] };
    }

    /// <summary>A thing as text; null if the fleet does not have it.</summary>
    public FleetItem? Read(FleetItemId item, IFleetDocuments documents)
    {
        var version = VersionOf(item);
        if (version == 0 || documents.WriteItem(item, Only(item)) is not { } text) return null;
        var (mark, key) = (Marks.GetValueOrDefault(item), item.Kind == FleetItemKind.Key ? ReadKeys(item).FirstOrDefault() : null);
        return new FleetItem(item, version, text)
        {
            IsManaged = !IsReadOnly(item),
            IsInFile = IsReadOnly(item) || mark?.Declared.Count > 0,
            ManagedAt = mark?.At,
            ManagedBy = mark?.By,
            Hint = key?.Hint,
            IsAdminKey = key?.Admin == true,
        };
    }

    /// <summary>The kind of the rows of things of a kind.</summary>
    public static FleetRowKind KindOf(FleetItemKind kind) => kind switch
    {
        FleetItemKind.Tenant => FleetRowKind.Tenant,
        FleetItemKind.Key => FleetRowKind.Key,
        FleetItemKind.Account => FleetRowKind.Account,
        FleetItemKind.Listener => FleetRowKind.Listener,
        FleetItemKind.Bot => FleetRowKind.Bot,
        FleetItemKind.Model => FleetRowKind.Model,
        _ => FleetRowKind.Settings,
    };

    /// <summary>The key; empty if the fleet does not have it.</summary>
    public IEnumerable<ApiKeyDefinition> ReadKeys(FleetItemId item) => FleetKeys.ToDefinitions(
        from row in RowsOf(item)
        let info = ReadKey(row)
        where info is not null
        select KeyValuePair.Create(row.Id, info));

    /// <summary>Whether a key is one of operators, or becomes one when it is as the fleet file declares it again.</summary>
    public bool IsAdminKey(FleetItemId key)
    {
        var declared = Marks.GetValueOrDefault(key)?.Declared.Select(row => new FleetRow(FleetRowKind.Key, row.Id, 0, row.Payload)) ?? [];
        return RowsOf(key).Concat(declared).Any(row => ReadKey(row) is { Admin: true });
    }

    private static ApiKeyInfo? ReadKey(FleetRow row)
    {
        try
        {
            return row.Payload is null ? null : FleetRows.Read(row.Payload, MessagesJson.Default.ApiKeyInfo);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ImmutableDictionary<FleetItemId, FleetMark> ChangeMarks(
        ImmutableDictionary<FleetItemId, FleetMark> known, IEnumerable<FleetRow> changed)
    {
        var marks = known.ToBuilder();
        foreach (var row in changed.Where(row => row.Kind == FleetRowKind.Managed))
        {
            if (FleetMark.ItemOf(row.Id) is not { } item) continue;
            if (FleetLog.Read(row, StateJson.Default.FleetMark) is { } mark) marks[item] = mark;
            else marks.Remove(item);
        }
        return marks.ToImmutable();
    }
}
