namespace CozeCluster.Silo.Hosting;

/// <summary>One thing a node can be told, in any of three ways: on the command line, by an environment variable, in <c>appsettings.json</c>.</summary>
/// <param name="Name">Its name in words joined by dashes; the other names follow from it.</param>
/// <param name="Value">What help calls its value; null for a switch.</param>
/// <param name="Default">What holds if nobody says anything, as it would be written; null: nothing.</param>
/// <param name="Meaning">One or two sentences for help.</param>
internal sealed record Setting(string Name, string? Value, string? Default, string Meaning)
{
    /// <summary>Kept off the command line, where every user of the machine could read it.</summary>
    public bool Secret { get; init; }

    /// <summary>The option on the command line.</summary>
    public string Option => "--" + Name;

    /// <summary>The environment variable.</summary>
    public string Variable { get; init; } = SettingNames.Prefix + Name.Replace('-', '_').ToUpperInvariant();

    /// <summary>The key below <see cref="SettingNames.Section"/> in <c>appsettings.json</c>.</summary>
    public string Key { get; } = string.Concat(Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}

/// <summary>What all settings share.</summary>
internal static class SettingNames
{
    /// <summary>What environment variables begin with.</summary>
    public const string Prefix = "COZECLUSTER_";

    /// <summary>The section of <c>appsettings.json</c>.</summary>
    public const string Section = "CozeCluster";

    /// <summary>The file of settings, in the folder the node is started from.</summary>
    public const string File = "appsettings.json";
}
