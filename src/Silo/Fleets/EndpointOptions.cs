namespace CozeCluster.Silo.Fleets;

/// <summary>The options of endpoints, by the mode that understands them.</summary>
internal static class EndpointOptions
{
    private static readonly Dictionary<CompatMode, IReadOnlyList<EndpointOption>> Known = new()
    {
        [CompatMode.Rca] =
        [
            new("mode", static text => text is "http" or "stream" or "ws", "http, stream or ws"),
            new("model", static text => text.Length <= 100, "the id of a model, or an alias of the tenant"),
        ],
    };

    /// <summary>The options of a mode.</summary>
    public static IReadOnlyList<EndpointOption> Of(CompatMode mode) => Known.GetValueOrDefault(mode, []);

    /// <summary>Reads and checks the options of an endpoint.</summary>
    public static IReadOnlyDictionary<string, string> Read(FleetField options, CompatMode mode)
    {
        var values = new Dictionary<string, string>();
        foreach (var (name, value) in options.Entries())
        {
            if (Of(mode).FirstOrDefault(option => option.Name == name) is { } known)
            {
                if (value.Text(known.IsValid, known.Expected) is { } text) values[name] = text;
                continue;
            }
            var names = Of(mode).Select(option => option.Name).ToList();
            value.Report(names.Count == 0
                ? "This mode has no options."
                : $"This mode has no such option. It has {string.Join(", ", names)}.{Suggestion.For(name, names)}");
        }
        return values;
    }
}

/// <summary>An option of an endpoint.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsValid">Whether a value is valid.</param>
/// <param name="Expected">What an error message says is expected.</param>
internal sealed record EndpointOption(string Name, Func<string, bool> IsValid, string Expected);
