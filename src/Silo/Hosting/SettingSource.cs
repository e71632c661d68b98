using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>Where settings are read from: the command line, else the environment, else <c>appsettings.json</c>. Collects what is wrong with them.</summary>
internal sealed class SettingSource
{
    private readonly List<(IConfigurationRoot Values, Func<Setting, string> Called)> _layers = [];

    /// <param name="commandLine">Values by setting name.</param>
    /// <param name="variables">The environment.</param>
    /// <param name="folder">Where <c>appsettings.json</c> may be.</param>
    public SettingSource(IReadOnlyDictionary<string, string> commandLine, IReadOnlyDictionary<string, string?> variables, string folder)
    {
        _layers.Add((Memory(setting => commandLine.GetValueOrDefault(setting.Name)), setting => setting.Option));
        _layers.Add((Memory(setting => variables.GetValueOrDefault(setting.Variable)), setting => setting.Variable));
        var file = ReadFile(folder);
        _layers.Add((file, setting => $"{SettingNames.File}: {SettingNames.Section}:{setting.Key}"));
        var known = Settings.All.Select(setting => setting.Key).ToList();
        var section = file.GetSection(SettingNames.Section);
        if (section.Value is { Length: > 0 }) Problems.Add($"{SettingNames.File}: {SettingNames.Section}: expected settings in braces, found a single value.");
        foreach (var child in section.GetChildren())
        {
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                Problems.Add($"{SettingNames.File}: {SettingNames.Section}:{child.Key}: this is no setting.{Suggestion.For(child.Key, known)}");
            // A list would be taken for no value at all, and the default would hold.
            else if (child.GetChildren().Any())
                Problems.Add($"{SettingNames.File}: {SettingNames.Section}:{child.Key}: expected a single value, found a list or a section; several go in one text, as on the command line.");
        }
        File = file;
        Doubts = [.. variables.Where(pair => pair.Value?.StartsWith("tcp://", StringComparison.Ordinal) != true).Select(pair => Doubt(pair.Key)).OfType<string>().Order(StringComparer.Ordinal)];
    }

    /// <summary>What is wrong, so far.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>What is probably a slip, but may be somebody else's.</summary>
    public IReadOnlyList<string> Doubts { get; }

    /// <summary>All of <c>appsettings.json</c>, for what is no setting of ours (<c>Logging</c>).</summary>
    public IConfiguration File { get; }

    /// <summary>Reads one setting; its default if nobody set it.</summary>
    public SettingValue this[Setting setting]
    {
        get
        {
            foreach (var (values, called) in _layers)
            {
                if (values[$"{SettingNames.Section}:{setting.Key}"] is { Length: > 0 } value) return new SettingValue(this, called(setting), value.Trim(), given: true);
            }
            return new SettingValue(this, setting.Secret ? setting.Variable : setting.Option, setting.Default, given: false);
        }
    }

    /// <summary>Whether the command line itself sets it.</summary>
    public bool OnCommandLine(Setting setting) => this[setting].Name == setting.Option && this[setting].Given;

    private static IConfigurationRoot Memory(Func<Setting, string?> value) => new ConfigurationBuilder()
        .AddInMemoryCollection(Settings.All.Select(setting => KeyValuePair.Create($"{SettingNames.Section}:{setting.Key}", value(setting))))
        .Build();

    // The prefix is not ours alone: fleets name variables as they like, and schedulers set some for a service of that name.
    private static string? Doubt(string variable)
    {
        if (!variable.StartsWith(SettingNames.Prefix, StringComparison.Ordinal) ) return null;
        var known = Settings.All.Select(setting => setting.Variable).ToList();
        return known.Contains(variable) || Suggestion.For(variable, known) is not { Length: > 0 } suggestion
            ? null
            : $"The environment variable {variable} is no setting and is not looked at.{suggestion}";
    }

    private IConfigurationRoot ReadFile(string folder)
    {
        try
        {
            return new ConfigurationBuilder().SetBasePath(folder).AddJsonFile(SettingNames.File, optional: true, reloadOnChange: false).Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            Problems.Add($"{SettingNames.File} cannot be read: {(e.InnerException ?? e).Message}");
            return new ConfigurationBuilder().Build();
        }
    }
}
