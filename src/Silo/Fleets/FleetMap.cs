using System.Buffers;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads a mapping of a fleet file key by key, and reports keys that occur twice and keys that nothing reads.</summary>
internal sealed class FleetMap
{
    // An unusual key is not repeated in a message: it may be a secret that was written in the place of a key.
    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-");

    private readonly FleetReadContext _context;
    private readonly YamlMap _map;
    private readonly string _path;
    private readonly List<string> _knownKeys = [];

    public FleetMap(FleetReadContext context, YamlMap map, string path)
    {
        _context = context;
        _map = map;
        _path = path;
        var seen = new Dictionary<string, YamlScalar>(StringComparer.Ordinal);
        foreach (var (key, _) in map.Entries)
        {
            if (seen.TryAdd(key.Text, key)) continue;
            _context.Report(PlaceOf(key), $"This key is used twice; the first one is in line {seen[key.Text].Line}.");
        }
    }

    /// <summary>Reports a problem of the mapping as a whole.</summary>
    public void Report(string message) => _context.Report(new Place(_map.Line, _map.Column, _path), message);

    /// <summary>The value of a key that may be missing.</summary>
    public FleetField Optional(string key)
    {
        _knownKeys.Add(key);
        var node = _map.Entries.FirstOrDefault(entry => entry.Key.Text == key).Value;
        return new FleetField(_context, node, PathOf(key));
    }

    /// <summary>The value of a key that must exist. A missing key is reported.</summary>
    public FleetField Required(string key)
    {
        var field = Optional(key);
        if (!field.Exists) Report($"'{key}' is missing.");
        return field;
    }

    /// <summary>Reports it unless exactly one of the keys exists.</summary>
    public void RequireOneOf(params IReadOnlyList<string> keys)
    {
        var found = _map.Entries.Select(entry => entry.Key.Text).Distinct().Count(keys.Contains);
        if (found == 1) return;
        var names = keys.Select(key => $"'{key}'").ToList();
        Report($"Expected exactly one of {string.Join(", ", names[..^1])} and {names[^1]}, found {(found == 0 ? "none" : found)}.");
    }

    /// <summary>All keys with their values, for a mapping with arbitrary keys.</summary>
    public IEnumerable<(string Key, FleetField Value)> Entries() =>
        _map.Entries.Select(entry => (entry.Key.Text, new FleetField(_context, entry.Value, PathOf(entry.Key.Text))));

    /// <summary>Reports the keys that were not read by <see cref="Optional"/> or <see cref="Required"/>.</summary>
    /// <param name="isAllowed">Allows other keys; null allows none.</param>
    public void ReportUnknownKeys(Func<string, bool>? isAllowed = null)
    {
        foreach (var (key, _) in _map.Entries)
        {
            if (_knownKeys.Contains(key.Text) || isAllowed?.Invoke(key.Text) == true) continue;
            _context.Report(PlaceOf(key), Problem(key.Text));
        }
    }

    private string Problem(string unknownKey)
    {
        if (unknownKey == "<<") return "Merge keys (<<) are not supported. Use an alias for a whole value, or write the keys out.";
        var known = $" Known keys: {string.Join(", ", _knownKeys)}.";
        if (!IsSafeToRepeat(unknownKey)) return "This is not a known key." + known;
        return $"'{unknownKey}' is not a known key.{(Suggestion.For(unknownKey, _knownKeys) is { Length: > 0 } suggestion ? suggestion : known)}";
    }

    private Place PlaceOf(YamlScalar key) => new(key.Line, key.Column, IsSafeToRepeat(key.Text) ? PathOf(key.Text) : _path);

    private string PathOf(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static bool IsSafeToRepeat(string key) => key.Length is > 0 and <= 40 && !key.AsSpan().ContainsAnyExcept(KeyCharacters);
}
