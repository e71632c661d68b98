using System.Globalization;

namespace CozeCluster.Discord;

/// <summary>Options as names and texts; collects what is wrong with them, the first mistake of each.</summary>
internal sealed class OptionValues(IReadOnlyDictionary<string, string> values)
{
    private const string DurationForm = "a duration such as 500ms, 10s, 2m, 1h or 1d";

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
        text => DurationOf(text) is { } duration && duration >= shortest && duration <= longest ? duration : null,
        $"{DurationForm}, from {Words(shortest)} to {Words(longest)}{(orElse.Length > 0 ? ", " + orElse : "")}");

    private static TimeSpan? DurationOf(string text)
    {
        var unit = text.AsSpan().TrimStart("0123456789.").ToString();
        var seconds = unit switch { "" or "s" => 1, "ms" => 0.001, "m" => 60, "h" => 3_600, "d" => 86_400, _ => 0d };
        var isNumber = double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount);
        return isNumber && seconds > 0 && amount * seconds < 1e9 ? TimeSpan.FromSeconds(amount * seconds) : null;
    }

    private static string Words(TimeSpan time) => time switch
    {
        { TotalDays: >= 1 } => $"{time.TotalDays:0.##}d",
        { TotalHours: >= 1 } => $"{time.TotalHours:0.##}h",
        { TotalMinutes: >= 1 } => $"{time.TotalMinutes:0.##}m",
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###}s"),
    };
}
