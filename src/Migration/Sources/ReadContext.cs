namespace CozeCluster.Migration.Sources;

/// <summary>One reading of an old configuration: what was found so far, and what is wrong.</summary>
/// <param name="system">The system.</param>
internal sealed class ReadContext(OldSystem system)
{
    /// <summary>Bots, keys or accounts of one list. More are left out.</summary>
    public const int MaxItems = 10_000;

    /// <summary>Unknown keys that are noted one by one.</summary>
    public const int MaxNoted = 20;

    private readonly Dictionary<string, string?> _secrets = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    /// <summary>The fleet so far.</summary>
    public OldFleet Fleet { get; } = new() { System = system };

    public void Report(Place place, string message) => _problems.Add($"{place}: {message}");

    public void Note(string text, bool isImportant = false) => Fleet.Notes.Add(new MigrationNote(text, isImportant));

    /// <summary>A secret under a name that no other secret has. The same secret under the same name is one secret.</summary>
    public FleetValue Secret(string name, string? value)
    {
        var variable = name;
        for (var i = 2; _secrets.TryGetValue(variable, out var other) && other != value; i++) variable = $"{name}_{i}";
        _secrets[variable] = value;
        return FleetValue.Secret(variable, value);
    }

    /// <summary>The mappings of a list.</summary>
    public IReadOnlyList<Section> Maps(SourceNode list, string path)
    {
        if (list.Items is not { } items)
        {
            Report(list.Place, $"{(path.Length == 0 ? "" : path + ": ")}Expected a list, found {list.Kind}.");
            return [];
        }
        if (items.Count > MaxItems) Report(list.Place, $"The list has {items.Count} entries; the limit is {MaxItems}.");
        var sections = new List<Section>();
        foreach (var (item, i) in items.Take(MaxItems).Select((item, i) => (item, i)))
        {
            if (item.Entries is not null) sections.Add(new Section(this, item, $"{path}[{i}]."));
            else if (!item.IsNothing) Report(item.Place, $"{path}[{i}]: Expected a mapping, found {item.Kind}.");
        }
        return sections;
    }

    /// <summary>A proxy, or null. Its address is a secret if it has a password.</summary>
    public FleetValue? Proxy(Section section, string key)
    {
        if (section.Text(key) is not { } text) return null;
        // Names are resolved by the proxy either way.
        if (text.StartsWith("socks5h://", StringComparison.Ordinal)) text = "socks5://" + text[10..];
        if (text.StartsWith("socks://", StringComparison.Ordinal)) text = "socks5://" + text[8..];
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "socks4" or "socks4a" or "socks5" && url.Host.Length > 0
            && url.PathAndQuery is "/" or "" && url.Fragment.Length == 0)
        {
            return url.UserInfo.Length == 0 ? FleetValue.Plain(text) : Secret(key.ToUpperInvariant(), text);
        }
        section.Report(key, "Expected the address of a proxy: http://, socks4:// or socks5:// with host and port.");
        return null;
    }

    /// <summary>Ends the reading.</summary>
    /// <exception cref="MigrationException">Something is wrong.</exception>
    public OldFleet Finish() => _problems.Count == 0 ? Fleet : throw new MigrationException([.. _problems.Distinct()]);

    /// <summary>A text of an old configuration as a message may show it.</summary>
    public static string Printable(string text)
    {
        var clean = new string([.. text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);
        return text.Length > 100 ? clean + "…" : clean;
    }
}
