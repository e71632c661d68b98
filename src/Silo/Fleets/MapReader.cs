using System.Buffers;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads one mapping key by key, then reports the keys nobody asked for.</summary>
internal sealed class MapReader
{
    // What looks like a slipped-in value is not repeated in a message: it may be a secret.
    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-");

    private readonly FleetReading _reading;
    private readonly FleetMap _map;
    private readonly string _path;
    private readonly List<string> _asked = [];

    public MapReader(FleetReading reading, FleetMap map, string path)
    {
        _reading = reading;
        _map = map;
        _path = path;
        var seen = new Dictionary<string, FleetScalar>(StringComparer.Ordinal);
        foreach (var (key, _) in map.Entries)
        {
            if (seen.TryAdd(key.Text, key)) continue;
            _reading.Report(PlaceOf(key), $"This key stands here twice; the first is in line {seen[key.Text].Line}.");
        }
    }

    private Place Place => new(_map.Line, _map.Column, _path);

    /// <summary>Says what is wrong with the mapping as a whole.</summary>
    public void Report(string message) => _reading.Report(Place, message);

    /// <summary>A key that may be left out.</summary>
    public Field Optional(string key)
    {
        _asked.Add(key);
        var node = _map.Entries.FirstOrDefault(entry => entry.Key.Text == key).Value;
        return new Field(_reading, node, Below(key));
    }

    /// <summary>A key that has to be there; reported if it is not.</summary>
    public Field Required(string key)
    {
        var field = Optional(key);
        if (!field.Exists) Report($"'{key}' is missing.");
        return field;
    }

    /// <summary>All keys with their values, for a mapping whose keys are free.</summary>
    public IEnumerable<(string Key, Field Value)> All() => _map.Entries.Select(entry => (entry.Key.Text, new Field(_reading, entry.Value, Below(entry.Key.Text))));

    /// <summary>Reports the keys that were not asked for.</summary>
    /// <param name="alsoKnown">Whether a key is fine all the same.</param>
    public void Close(Func<string, bool>? alsoKnown = null)
    {
        foreach (var (key, _) in _map.Entries)
        {
            if (_asked.Contains(key.Text) || alsoKnown?.Invoke(key.Text) == true) continue;
            if (key.Text == "<<") _reading.Report(PlaceOf(key), "Merge keys (<<) are not supported; use an alias for a whole value, or write the keys out.");
            else if (!Presentable(key.Text)) _reading.Report(PlaceOf(key), $"This is no key known here.{Known()}");
            else _reading.Report(PlaceOf(key), $"'{key.Text}' is no key known here.{OrElse(Suggestion.For(key.Text, _asked))}");
        }
    }

    private string OrElse(string suggestion) => suggestion.Length > 0 ? suggestion : Known();

    private string Known() => $" Known are: {string.Join(", ", _asked)}.";

    private Place PlaceOf(FleetScalar key) => new(key.Line, key.Column, Presentable(key.Text) ? Below(key.Text) : _path);

    private string Below(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static bool Presentable(string key) => key.Length is > 0 and <= 40 && !key.AsSpan().ContainsAnyExcept(KeyCharacters);
}
