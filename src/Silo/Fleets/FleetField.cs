using System.Buffers;
using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// One value of a fleet file, with a reader for each kind of value. A reader reports an invalid value and returns null or an empty result, as it does for a
/// value that is missing. So reading continues and finds every problem of the file.
/// </summary>
internal sealed class FleetField(FleetReadContext context, YamlNode? node, string path)
{
    private const int MaxTurns = 1_000_000;
    private const string ExpectedToken = "a token: printable ASCII characters, no spaces";

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    public bool Exists => node is not null;

    /// <summary>Whether the value is a mapping.</summary>
    public bool IsMapping => node is YamlMap;

    public Place Place => new(node?.Line ?? 1, node?.Column ?? 1, path);

    /// <summary>The text as written, without the values of environment variables. Error messages may repeat it.</summary>
    public string Written => node is YamlScalar scalar ? scalar.Text : "";

    /// <summary>Reports a problem of this value.</summary>
    public void Report(string message) => context.Report(Place, message);

    /// <summary>A text, with environment variables replaced.</summary>
    /// <param name="expected">What an error message says is expected.</param>
    public string? Text(string expected = "a text")
    {
        if (node is null) return null;
        if (node is YamlScalar { IsNull: false } scalar)
        {
            var text = context.Environment.Substitute(scalar.Text, Report);
            if (text is null || text.Trim().Length > 0) return text?.Trim();
            Report($"Expected {expected}, found an empty text.");
            return null;
        }
        Report($"Expected {expected}, found {node.Kind}.");
        return null;
    }

    /// <summary>A text that meets a condition.</summary>
    /// <param name="isValid">The condition.</param>
    /// <param name="expected">What an error message says is expected. The message never repeats the text, which may be a secret.</param>
    public string? Text(Func<string, bool> isValid, string expected)
    {
        if (Text(expected) is not { } text) return null;
        if (isValid(text)) return text;
        Report($"Expected {expected}.");
        return null;
    }

    public int? Number(int min, int max)
    {
        var expected = $"a whole number from {min} to {max}";
        if (Text(expected) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max) return number;
        Report($"Expected {expected}.");
        return null;
    }

    public bool? Flag() => Text(text => text is "true" or "false", "true or false") is { } text ? text == "true" : null;

    /// <summary>A duration; see <see cref="Durations"/>.</summary>
    public TimeSpan? Duration(TimeSpan min, TimeSpan max)
    {
        if (Text(Durations.Expected) is not { } text) return null;
        if (!Durations.TryParse(text, out var duration)) Report($"Expected {Durations.Expected}.");
        else if (duration < min || duration > max) Report($"Expected a duration from {Durations.Format(min)} to {Durations.Format(max)}.");
        else return duration;
        return null;
    }

    /// <summary>A mapping with known keys. Keys that <paramref name="read"/> does not read are reported.</summary>
    public T? Map<T>(Func<FleetMap, T> read) where T : class
    {
        if (AsMap() is not { } map) return null;
        var result = read(map);
        map.ReportUnknownKeys();
        return result;
    }

    /// <summary>The entries of a mapping with arbitrary keys.</summary>
    public IReadOnlyList<(string Key, FleetField Value)> Entries() => AsMap() is { } map ? [.. map.Entries()] : [];

    /// <summary>The items of a list. An empty list is reported.</summary>
    /// <param name="itemName">What error messages call an item.</param>
    public IReadOnlyList<FleetField> List(string itemName)
    {
        if (node is YamlList { Items.Count: > 0 } list)
            return [.. list.Items.Select((item, i) => new FleetField(context, item, $"{path}[{i}]"))];
        if (node is YamlList) Report($"The list is empty; at least one {itemName} is expected.");
        else if (node is not null) Report($"Expected a list of {itemName}s, found {node.Kind}.");
        return [];
    }

    /// <summary>An id that the fleet file itself defines.</summary>
    public string Id() => Text(text => text.Length <= 40 && !text.AsSpan().ContainsAnyExcept(IdCharacters), "an id: 1 to 40 of a-z 0-9 - _") ?? "";

    /// <summary>A name for people.</summary>
    public string Title() => Text(text => text.Length <= 100 && !text.Any(char.IsControl), "a name of 1 to 100 characters") ?? "";

    /// <summary>An id that an upstream assigned.</summary>
    public string UpstreamId() => Text(text => text.Length <= 100 && IsPrintable(text), "an id: 1 to 100 printable ASCII characters, no spaces") ?? "";

    /// <summary>An id that Discord assigned.</summary>
    public string Snowflake() => Text(
        text => text[0] != '0' && text.All(char.IsAsciiDigit) && ulong.TryParse(text, out _), "a Discord id: decimal digits, 64 bits") ?? "";

    /// <summary>The name of an upstream.</summary>
    public string Upstream()
    {
        if (Text() is not { } name) return "";
        if (KnownUpstreams.Find(name) is not null) return name;
        Report($"Expected the name of an upstream ({string.Join(", ", KnownUpstreams.Names)}).{Suggestion.For(name, KnownUpstreams.Names)}");
        return "";
    }

    /// <summary>A limit of concurrent turns.</summary>
    public int? Turns() => Number(1, MaxTurns);

    /// <summary>A list of ids that the file declares elsewhere. Repeated ids are reported.</summary>
    /// <param name="itemName">What error messages call the declared thing.</param>
    public IReadOnlyList<Reference> References(string itemName)
    {
        var references = new List<Reference>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in List(itemName))
        {
            if (item.Text($"the id of a {itemName}") is not { } id) continue;
            if (seen.Add(id)) references.Add(new Reference(id, item));
            else item.Report($"'{item.Written}' is listed twice.");
        }
        return references;
    }

    /// <summary>Options that only the upstream understands. The upstream checks them.</summary>
    /// <param name="owner">The mapping that has the options; a missing option is reported there if this field does not exist.</param>
    /// <param name="check">Finds invalid and missing options.</param>
    public IReadOnlyDictionary<string, string> Options(FleetMap owner, OptionsCheck check)
    {
        var fields = new Dictionary<string, FleetField>(StringComparer.Ordinal);
        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in Entries())
        {
            fields[key] = value;
            if (value.Text() is { } text) options[key] = text;
        }
        foreach (var (key, expected) in check(options))
        {
            var missing = $"Option '{key}': {expected}.";
            if (!fields.TryGetValue(key, out var found) && Exists) Report(missing);
            else if (found is null) owner.Report(missing);
            // An option that could not be read has been reported already.
            else if (options.ContainsKey(key)) found.Report($"Invalid option: {expected}.");
        }
        return options;
    }

    /// <summary>The URL of an HTTP API, without a slash at the end.</summary>
    public string? BaseUrl() => Text(
        text => IsUrl(text, "https", "http"), "a URL that begins with https:// or http://, without user, query or fragment")?.TrimEnd('/');

    /// <summary>The URL of a WebSocket.</summary>
    public string? SocketUrl() => Text(text => IsUrl(text, "wss", "ws"), "a URL that begins with wss:// or ws://, without user, query or fragment");

    /// <summary>The URL of a proxy, which may contain a password.</summary>
    public string? Proxy() => Text(IsProxy, "a URL that begins with http://, socks4://, socks4a:// or socks5://, with nothing after host and port");

    /// <summary>A token, from this value or from the file that <paramref name="file"/> names.</summary>
    public string? Token(FleetField file)
    {
        var fromFile = file.SecretFile(IsToken, ExpectedToken);
        return Text(IsToken, ExpectedToken) ?? fromFile;
    }

    /// <summary>The content of the file that this value names.</summary>
    /// <param name="isValid">The condition for the content.</param>
    /// <param name="expected">What an error message says is expected in the file.</param>
    public string? SecretFile(Func<string, bool> isValid, string expected)
    {
        if (Text(text => !text.Contains('\0'), "the path of a file") is not { } file || context.ReadSecretFile(file, Place) is not { } secret) return null;
        if (!isValid(secret)) Report($"The file must contain {expected}.");
        return secret;
    }

    private FleetMap? AsMap()
    {
        if (node is YamlMap map) return new FleetMap(context, map, path);
        if (node is not null) Report($"Expected a mapping (key: value), found {node.Kind}.");
        return null;
    }

    private static bool IsPrintable(string text) => text.All(c => c is > ' ' and <= '~');

    private static bool IsToken(string text) => text.Length <= 4096 && IsPrintable(text);

    private static bool IsUrl(string text, params ReadOnlySpan<string> schemes) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && schemes.Contains(url.Scheme)
        && url.Host.Length > 0 && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && !text.Contains(' ');

    private static bool IsProxy(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "socks4" or "socks4a" or "socks5"
        && url.Host.Length > 0 && url.PathAndQuery is "/" or "" && url.Fragment.Length == 0;
}
