using System.Globalization;

namespace CozeCluster.Discord;

/// <summary>Reads options, which are names and texts, and collects their errors: the first one of each option.</summary>
internal sealed class OptionValues(IReadOnlyDictionary<string, string> values)
{
    private readonly Dictionary<string, string> _errors = [];

    /// <summary>For each option with an error, what was expected.</summary>
    public IReadOnlyDictionary<string, string> Errors => _errors;

    /// <summary>Reads a time of day, <c>hh:mm</c>; null if it is not one.</summary>
    public static TimeOnly? TimeOfDay(string text) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    public bool Has(string name) => values.ContainsKey(name);

    public bool Is(string name, string value) => values.GetValueOrDefault(name) == value;

    public void AddError(string name, string expected) => _errors.TryAdd(name, expected);

    /// <summary>Adds an error for every option with another name.</summary>
    public void AllowOnly(IReadOnlyCollection<string> names, string owners)
    {
        foreach (var name in values.Keys.Except(names)) AddError(name, $"unknown; {owners} have {string.Join(", ", names)}");
    }

    public T? Parse<T>(string name, Func<string, T?> parse, string expected)
    {
        if (!values.TryGetValue(name, out var text)) return default;
        var value = parse(text.Trim());
        if (value is null) AddError(name, $"expected {expected}");
        return value;
    }

    public string? Text(string name, int maxLength) =>
        Parse(name, text => text.Length is > 0 && text.Length <= maxLength ? text : null, $"1 to {maxLength} characters");

    public string? Snowflake(string name) => Parse(
        name,
        text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0 ? text : null,
        "a Discord id: decimal digits");

    public int? Number(string name, int min, int max) => Parse<int?>(
        name,
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : null,
        $"a whole number from {min} to {max}");

    public T? OneOf<T>(string name) where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(value => value.ToLowerInvariant()).ToList();
        return Parse<T?>(
            name, text => names.IndexOf(text) is >= 0 and var at ? Enum.GetValues<T>()[at] : null, $"{string.Join(", ", names[..^1])} or {names[^1]}");
    }

    public TimeSpan? Duration(string name, TimeSpan min, TimeSpan max, string orElse = "") => Parse<TimeSpan?>(
        name,
        text => Durations.TryParse(text, out var duration, allowBareSeconds: true) && duration >= min && duration <= max ? duration : null,
        $"{Durations.Expected}, from {Durations.Format(min)} to {Durations.Format(max)}{(orElse.Length > 0 ? ", " + orElse : "")}");
}
