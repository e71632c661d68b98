using System.Collections.Immutable;

namespace CozeCluster.Grains;

/// <summary>The ids of the rows of API keys, by tenant and name. Immutable: a change costs no more than it changes.</summary>
internal sealed class FleetKeyNames
{
    private static readonly ImmutableSortedDictionary<string, ImmutableHashSet<string>> NoKeys =
        ImmutableSortedDictionary.Create<string, ImmutableHashSet<string>>(StringComparer.Ordinal);

    private readonly ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableHashSet<string>>> _tenants;

    private FleetKeyNames(ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableHashSet<string>>> tenants) => _tenants = tenants;

    /// <summary>Without keys.</summary>
    public static FleetKeyNames None { get; } = new(ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableHashSet<string>>>.Empty);

    /// <summary>All keys.</summary>
    public IEnumerable<FleetItemId> All => _tenants.Keys.SelectMany(List);

    /// <summary>The keys of a tenant, ordered by name.</summary>
    public IEnumerable<FleetItemId> List(string tenantId) => KeysOf(tenantId).Keys.Select(name => FleetItemId.Key(tenantId, name));

    /// <summary>How many keys a tenant has.</summary>
    public int Count(string tenantId) => KeysOf(tenantId).Count;

    /// <summary>The ids of the rows of a key; empty if there is no such key.</summary>
    public IEnumerable<string> RowsOf(FleetItemId key) => KeysOf(key.TenantOfKey()).GetValueOrDefault(key.NameOfKey()) ?? [];

    /// <summary>The keys after rows were written.</summary>
    /// <param name="known">The rows before.</param>
    /// <param name="changed">The rows that were written. Those of other kinds are ignored.</param>
    public FleetKeyNames With(FleetLog known, IEnumerable<FleetRow> changed)
    {
        var tenants = _tenants.ToBuilder();
        foreach (var row in changed.Where(row => row.Kind == FleetRowKind.Key))
        {
            if (known.Find(row.Kind, row.Id) is { } before) Change(before, static (rows, id) => rows.Remove(id));
            if (row.Payload is not null) Change(row, static (rows, id) => rows.Add(id));
        }
        return new FleetKeyNames(tenants.ToImmutable());

        void Change(FleetRow row, Func<ImmutableHashSet<string>, string, ImmutableHashSet<string>> change)
        {
            // A damaged row is not the row of a key.
            if (FleetContent.ItemOf(row) is not { } key) return;
            var (tenantId, name) = (key.TenantOfKey(), key.NameOfKey());
            var keys = tenants.GetValueOrDefault(tenantId) ?? NoKeys;
            var rows = change(keys.GetValueOrDefault(name) ?? [], row.Id);
            keys = rows.Count > 0 ? keys.SetItem(name, rows) : keys.Remove(name);
            if (keys.Count > 0) tenants[tenantId] = keys;
            else tenants.Remove(tenantId);
        }
    }

    private ImmutableSortedDictionary<string, ImmutableHashSet<string>> KeysOf(string tenantId) => _tenants.GetValueOrDefault(tenantId) ?? NoKeys;
}
