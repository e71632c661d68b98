using System.Globalization;

namespace CozeCluster;

/// <summary>Options as names and texts; collects what is wrong with them, the first mistake of each.</summary>
internal sealed class OptionValues(IReadOnlyDictionary<string, string> values)
{
    private readonly Dictionary<string, string> _errors = [];

    /// <summary>By option, what was expected.</summary>
    public IReadOnlyDictionary<string, string> Errors => _errors;

    /// <summary>A time of day as <c>hh:mm</c>.</summary>
    public static TimeOnly? TimeOfDay(string text) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    public bool Has(string name) => values.ContainsKey(name);

    public bool Is(string name, string value) => values.GetValueOrDefault(name) == value;

    public void Wrong(string name, string expected) => _errors.TryAdd(name, expected);

    /// <summary>Everything but these names is wrong.</summary>
    public void Know(IReadOnlyCollection<string> names, string whose)
    {
        foreach (var name in values.Keys.Except(names)) Wrong(name, $"unknown; {whose} have {string.Join(", ", names)}");
    }

    public T? Parsed<T>(string name, Func<string, T?> parse, string expected)
    {
        if (!values.TryGetValue(name, out var text)) return default;
        var value = parse(text.Trim());
        if (value is null) Wrong(name, $"expected {expected}");
        return value;
    }

    public string? Text(string name, int longest) => Parsed(name, text => text.Length is > 0 && text.Length <= longest ? text : null, $"1 to {longest} characters");

    public string? Snowflake(string name) =>
        Parsed(name, text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0 ? text : null, "an id of Discord's: decimal digits");

    public bool? Flag(string name) => Parsed<bool?>(name, text => text switch { "true" => true, "false" => false, _ => null }, "true or false");

    public int? Number(string name, int least, int most) => Parsed<int?>(
        name,
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null,
        $"a whole number from {least} to {most}");

    public T? OneOf<T>(string name) where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(one => one.ToLowerInvariant()).ToList();
        return Parsed<T?>(name, text => names.IndexOf(text) is >= 0 and var at ? Enum.GetValues<T>()[at] : null, $"{string.Join(", ", names[..^1])} or {names[^1]}");
    }

    public TimeSpan? Duration(string name, TimeSpan shortest, TimeSpan longest, string orElse = "") => Parsed<TimeSpan?>(
        name,
        text => Durations.TryParse(text, out var duration, allowBareSeconds: true) && duration >= shortest && duration <= longest ? duration : null,
        $"{Durations.Expected}, from {Durations.Format(shortest)} to {Durations.Format(longest)}{(orElse.Length > 0 ? ", " + orElse : "")}");
}
