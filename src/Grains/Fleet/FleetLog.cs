using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains;

/// <summary>The rows of the fleet in the memory of the catalog, ordered by version, so that processes can read what has changed. Immutable.</summary>
internal sealed class FleetLog
{
    /// <summary>A page has about this many bytes. It is far below the largest message of Orleans, and takes a few milliseconds to send.</summary>
    internal const int PageBytes = 1 << 20;

    private const int MaxDeletions = 10_000;
    private const int RowOverhead = 32;

    private static readonly Comparer<FleetRow> ByVersion = Comparer<FleetRow>.Create(Compare);

    private readonly Dictionary<(FleetRowKind Kind, string Id), FleetRow> _rows;
    private readonly List<FleetRow> _ordered;

    // Deletions up to this version are not in the list. A process that knows an older version loads the whole fleet.
    private readonly long _deletionsAfter;

    /// <summary>Creates the log of a fleet that was read from the storage.</summary>
    public FleetLog(long version, IEnumerable<FleetRow> rows) : this(version, rows.ToDictionary(row => (row.Kind, row.Id)), null, version)
    {
    }

    private FleetLog(long version, Dictionary<(FleetRowKind, string), FleetRow> rows, List<FleetRow>? ordered, long deletionsAfter)
    {
        Version = version;
        _rows = rows;
        _deletionsAfter = deletionsAfter;
        _ordered = ordered ?? [.. rows.Values.Where(IsForProcesses).Order(ByVersion)];
        Imports = Read(FleetRowKind.Imports, FleetImports.Id, StateJson.Default.FleetImports) ?? FleetImports.None;
    }

    /// <summary>Without rows.</summary>
    public static FleetLog Empty { get; } = new(0, []);

    /// <summary>The version of the fleet.</summary>
    public long Version { get; }

    /// <summary>Which fleets were applied.</summary>
    public FleetImports Imports { get; }

    /// <summary>All rows, in no particular order.</summary>
    public IReadOnlyCollection<FleetRow> Rows => _rows.Values;

    /// <summary>Finds a row; null if there is none.</summary>
    public FleetRow? Find(FleetRowKind kind, string id) => _rows.GetValueOrDefault((kind, id));

    /// <summary>Reads the content of a row; null if there is none, or if it is damaged.</summary>
    public T? Read<T>(FleetRowKind kind, string id, JsonTypeInfo<T> json) where T : class => Find(kind, id) is { } row ? Read(row, json) : null;

    /// <summary>Reads the content of a row; null if the row is deleted, or if it is damaged.</summary>
    public static T? Read<T>(FleetRow row, JsonTypeInfo<T> json) where T : class
    {
        if (row.Payload is not { } payload) return null;
        try
        {
            return FleetRows.Read(payload, json);
        }
        catch (JsonException)
        {
            // The next import replaces it.
            return null;
        }
    }

    /// <summary>The log after rows were written.</summary>
    public FleetLog With(long version, IReadOnlyList<FleetRow> changed)
    {
        var rows = new Dictionary<(FleetRowKind, string), FleetRow>(_rows);
        var keys = new HashSet<(FleetRowKind, string)>();
        foreach (var row in changed)
        {
            keys.Add((row.Kind, row.Id));
            if (row.Payload is null) rows.Remove((row.Kind, row.Id));
            else rows[(row.Kind, row.Id)] = row;
        }
        var ordered = _ordered.Where(row => !keys.Contains((row.Kind, row.Id))).Concat(changed.Where(IsForProcesses).Order(ByVersion)).ToList();
        return ordered.Count - rows.Count > MaxDeletions ? new(version, rows, null, version) : new(version, rows, ordered, _deletionsAfter);
    }

    /// <summary>See <see cref="ICatalogGrain.GetChanges"/>.</summary>
    public FleetChanges? GetChanges(FleetPoll poll)
    {
        if (poll.After is null && poll.KnownVersion == Version) return null;
        var since = poll.After?.Since ?? poll.KnownVersion;
        // A greater version than the fleet has is that of a fleet in another database, or from before a backup was restored.
        var isFull = since < _deletionsAfter || since > Version;
        if (isFull) since = Version;
        var start = isFull ? 0
            : poll.After is { } after ? FirstAfter(new FleetRow(after.Kind, after.Id, after.Version, null))
            : FirstAfter(new FleetRow(default, "", since + 1, null));
        var (end, bytes) = (start, 0);
        while (end < _ordered.Count && bytes < PageBytes)
        {
            bytes += RowOverhead + _ordered[end].Id.Length + (_ordered[end].Payload?.Length ?? 0);
            end++;
        }
        var page = _ordered.GetRange(start, end - start);
        return new FleetChanges(Version, isFull, page)
        {
            Next = end < _ordered.Count ? new FleetCursor(since, page[^1].Version, page[^1].Kind, page[^1].Id) : null,
        };
    }

    /// <summary>The index of the first row after a place in the order.</summary>
    private int FirstAfter(FleetRow place)
    {
        var found = _ordered.BinarySearch(place, ByVersion);
        return found < 0 ? ~found : found + 1;
    }

    private static bool IsForProcesses(FleetRow row) => row.Kind is not (FleetRowKind.Imports or FleetRowKind.Managed);

    private static int Compare(FleetRow one, FleetRow other)
    {
        var order = one.Version.CompareTo(other.Version);
        if (order == 0) order = one.Kind.CompareTo(other.Kind);
        return order != 0 ? order : string.CompareOrdinal(one.Id, other.Id);
    }
}
