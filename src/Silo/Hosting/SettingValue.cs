using System.Globalization;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>The value of one setting, read as what it has to be. What is wrong is reported, and the caller goes on with a stand-in.</summary>
/// <param name="source">Hears what is wrong.</param>
/// <param name="name">How whoever set it called it.</param>
/// <param name="value">As written; null if there is none.</param>
/// <param name="given">Whether somebody set it.</param>
internal sealed class SettingValue(SettingSource source, string name, string? value, bool given)
{
    public string Name { get; } = name;

    public bool Given { get; } = given;

    /// <summary>As written; null if there is none.</summary>
    public string? Text { get; } = value;

    public void Report(string message) => source.Problems.Add($"{Name}: {message}");

    public bool Flag()
    {
        if (bool.TryParse(Text, out var flag)) return flag;
        Report($"expected true or false, found '{Text}'.");
        return false;
    }

    public long Number(long least, long most)
    {
        if (long.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        Report($"expected a whole number from {least} to {most}, found '{Text}'.");
        return least;
    }

    public TimeSpan Time(TimeSpan least, TimeSpan most)
    {
        if (!Duration.TryParse(Text ?? "", out var time)) Report($"expected {Duration.Expected}, found '{Text}'.");
        else if (time < least || time > most) Report($"expected a duration from {Duration.Format(least)} to {Duration.Format(most)}, found '{Text}'.");
        else return time;
        return least;
    }

    /// <summary>One of the names of an enumeration, in any case.</summary>
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

    /// <summary>The items of a text separated by <paramref name="separator"/>.</summary>
    public IReadOnlyList<string> Items(char separator) =>
        Text?.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
