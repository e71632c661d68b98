using System.Globalization;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Reads settings from the command line, the environment and <c>appsettings.json</c>, in this order of precedence, and collects their problems.
/// </summary>
internal sealed class SettingSource
{
    private readonly List<(IConfigurationRoot Values, Func<Setting, string> NameOf)> _layers = [];

    /// <param name="commandLine">Values by the name of the setting.</param>
    /// <param name="variables">The environment variables.</param>
    /// <param name="folder">The folder that may contain <c>appsettings.json</c>.</param>
    public SettingSource(IReadOnlyDictionary<string, string> commandLine, IReadOnlyDictionary<string, string?> variables, string folder)
    {
        File = ReadFile(folder);
        Variables = variables;
        _layers.Add((InMemory(setting => commandLine.GetValueOrDefault(setting.Name)), setting => setting.Option));
        _layers.Add((InMemory(setting => variables.GetValueOrDefault(setting.Variable)), setting => setting.Variable));
        _layers.Add((File, setting => NameInFile(setting.Key)));
        CheckFile();
        Warnings = [.. variables.Where(pair => !IsOfService(pair.Value)).Select(pair => WarningOf(pair.Key)).OfType<string>().Order(StringComparer.Ordinal)];
    }

    /// <summary>All problems so far.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Environment variables that are probably misspelled settings.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>All environment variables.</summary>
    public IReadOnlyDictionary<string, string?> Variables { get; }

    /// <summary>All of <c>appsettings.json</c>, for sections that are not settings of this project (<c>Logging</c>).</summary>
    public IConfigurationRoot File { get; }

    /// <summary>Reads a setting, or its default if it is not set.</summary>
    public SettingValue this[Setting setting]
    {
        get
        {
            foreach (var (values, nameOf) in _layers)
            {
                if (values[PathOf(setting)] is { Length: > 0 } value) return new SettingValue(this, nameOf(setting), value.Trim(), isSet: true);
            }
            return new SettingValue(this, setting.Secret ? setting.Variable : setting.Option, setting.Default, isSet: false);
        }
    }

    /// <summary>Whether the command line sets the setting.</summary>
    public bool IsOnCommandLine(Setting setting) => this[setting].Name == setting.Option && this[setting].IsSet;

    private static string PathOf(Setting setting) => $"{Setting.SectionName}:{setting.Key}";

    private static string NameInFile(string key) => $"{Setting.FileName}: {Setting.SectionName}:{key}";

    private static IConfigurationRoot InMemory(Func<Setting, string?> valueOf) => new ConfigurationBuilder()
        .AddInMemoryCollection(Settings.All.Select(setting => KeyValuePair.Create(PathOf(setting), valueOf(setting))))
        .Build();

    private IConfigurationRoot ReadFile(string folder)
    {
        try
        {
            return new ConfigurationBuilder().SetBasePath(folder).AddJsonFile(Setting.FileName, optional: true, reloadOnChange: false).Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            Problems.Add($"{Setting.FileName} cannot be read: {(e.InnerException ?? e).Message}");
            return new ConfigurationBuilder().Build();
        }
    }

    private void CheckFile()
    {
        var known = Settings.All.Select(setting => setting.Key).ToList();
        var section = File.GetSection(Setting.SectionName);
        if (section.Value is { Length: > 0 })
            Problems.Add($"{Setting.FileName}: {Setting.SectionName}: expected an object with settings, found a single value.");
        foreach (var child in section.GetChildren())
        {
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                Problems.Add($"{NameInFile(child.Key)}: this is not a setting.{Suggestion.For(child.Key, known)}");
            // The configuration API would read a list as a missing value, and the default would apply.
            else if (child.GetChildren().Any())
                Problems.Add($"{NameInFile(child.Key)}: expected a single value, found a list or an object. Write it as one text, as on the command line.");
        }
    }

    // Kubernetes and Docker set variables of this form for a service named cozecluster.
    private static bool IsOfService(string? value) => value?.StartsWith("tcp://", StringComparison.Ordinal) == true;

    // Only a warning: a fleet file may use variables with this prefix for its own values.
    private static string? WarningOf(string variable)
    {
        if (!variable.StartsWith(Setting.VariablePrefix, StringComparison.Ordinal)) return null;
        var known = Settings.All.Select(setting => setting.Variable).ToList();
        return known.Contains(variable) || Suggestion.For(variable, known) is not { Length: > 0 } suggestion
            ? null
            : $"The environment variable {variable} is not a setting and is ignored.{suggestion}";
    }
}

/// <summary>
/// The value of a setting, with a reader for each kind of value. A reader reports an invalid value to the source and returns a valid one in its place.
/// </summary>
/// <param name="source">Receives the problems.</param>
/// <param name="name">The name of the setting at the place that sets it.</param>
/// <param name="text">The value as written; null if there is none.</param>
/// <param name="isSet">Whether the value is set and not the default.</param>
internal sealed class SettingValue(SettingSource source, string name, string? text, bool isSet)
{
    public string Name { get; } = name;

    public bool IsSet { get; } = isSet;

    /// <summary>The value as written; null if there is none.</summary>
    public string? Text { get; } = text;

    public void Report(string message) => source.Problems.Add($"{Name}: {message}");

    public bool Flag()
    {
        if (bool.TryParse(Text, out var flag)) return flag;
        Report($"expected true or false, found '{Text}'.");
        return false;
    }

    public long Number(long min, long max)
    {
        if (long.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max) return number;
        Report($"expected a whole number from {min} to {max}, found '{Text}'.");
        return min;
    }

    /// <summary>A duration; see <see cref="Durations"/>.</summary>
    public TimeSpan Duration(TimeSpan min, TimeSpan max)
    {
        if (!Durations.TryParse(Text ?? "", out var duration)) Report($"expected {Durations.Expected}, found '{Text}'.");
        else if (duration < min || duration > max) Report($"expected a duration from {Durations.Format(min)} to {Durations.Format(max)}, found '{Text}'.");
        else return duration;
        return min;
    }

    /// <summary>One of some names of an enumeration, in upper or lower case.</summary>
    public T Choice<T>(params ReadOnlySpan<T> choices) where T : struct, Enum
    {
        foreach (var choice in choices)
        {
            if (string.Equals(choice.ToString(), Text, StringComparison.OrdinalIgnoreCase)) return choice;
        }
        var names = choices.ToArray().Select(choice => choice.ToString().ToLowerInvariant()).ToList();
        Report($"expected {string.Join(", ", names[..^1])} or {names[^1]}, found '{Text}'.{Suggestion.For(Text ?? "", names)}");
        return default;
    }

    /// <summary>The items of a text that are separated by <paramref name="separator"/>.</summary>
    public IReadOnlyList<string> Items(char separator) =>
        Text?.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
