using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// One value of a fleet file, read as what it has to be. Every method returns null (or nothing) both for a value that is absent and for one that is
/// wrong and has been reported, so that reading goes on and finds the next mistake.
/// </summary>
internal sealed class Field(FleetReading reading, FleetNode? node, string path)
{
    public bool Exists => node is not null;

    public Place Place => new(node?.Line ?? 1, node?.Column ?? 1, path);

    /// <summary>Says what is wrong with this value.</summary>
    public void Report(string message) => reading.Report(Place, message);

    /// <summary>A text with its environment variables put in.</summary>
    /// <param name="expected">What a message says is expected.</param>
    public string? Text(string expected = "a text")
    {
        if (node is null) return null;
        if (node is FleetScalar { IsNull: false } scalar)
        {
            var text = reading.Environment.Substitute(scalar.Text, Report);
            if (text is null || text.Trim().Length > 0) return text?.Trim();
            Report($"Expected {expected}, found an empty text.");
            return null;
        }
        Report($"Expected {expected}, found {node.Kind}.");
        return null;
    }

    /// <summary>A text that passes a test.</summary>
    /// <param name="isSound">The test.</param>
    /// <param name="expected">What a message says is expected. The text itself is never repeated: it may be a secret.</param>
    public string? Text(Func<string, bool> isSound, string expected)
    {
        if (Text(expected) is not { } text) return null;
        if (isSound(text)) return text;
        Report($"Expected {expected}.");
        return null;
    }

    /// <summary>The text of a file named by this value.</summary>
    public string? SecretFile() => Text(text => !text.Contains('\0'), "the path of a file") is { } file ? reading.ReadSecretFile(file, Place) : null;

    /// <summary>A text as it is written, for messages that may repeat it: variables are not put in.</summary>
    public string Written => node is FleetScalar scalar ? scalar.Text : "";

    public int? Number(int least, int most)
    {
        var expected = $"a whole number from {least} to {most}";
        if (Text(expected) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        Report($"Expected {expected}.");
        return null;
    }

    public bool? Flag()
    {
        const string Expected = "true or false";
        if (Text(Expected) is not { } text) return null;
        if (text is "true" or "false") return text == "true";
        Report($"Expected {Expected}.");
        return null;
    }

    public TimeSpan? Time(TimeSpan least, TimeSpan most)
    {
        if (Text(Duration.Expected) is not { } text) return null;
        if (!Duration.TryParse(text, out var time)) Report($"Expected {Duration.Expected}.");
        else if (time < least || time > most) Report($"Expected a duration from {Duration.Format(least)} to {Duration.Format(most)}.");
        else return time;
        return null;
    }

    /// <summary>A mapping to be read key by key; unknown keys are reported afterwards.</summary>
    public T? Map<T>(Func<MapReader, T> read) where T : class
    {
        if (node is null) return null;
        if (node is not FleetMap map)
        {
            Report($"Expected a mapping (key: value), found {node.Kind}.");
            return null;
        }
        var reader = new MapReader(reading, map, path);
        var result = read(reader);
        reader.Close();
        return result;
    }

    /// <summary>The entries of a mapping whose keys are free.</summary>
    public IReadOnlyList<(string Key, Field Value)> Entries()
    {
        if (node is FleetMap map) return [.. new MapReader(reading, map, path).All()];
        if (node is not null) Report($"Expected a mapping (key: value), found {node.Kind}.");
        return [];
    }

    /// <summary>The items of a list that must have some.</summary>
    /// <param name="ofWhat">What a message calls the items.</param>
    public IReadOnlyList<Field> List(string ofWhat)
    {
        if (node is FleetList { Items.Count: > 0 } list)
            return [.. list.Items.Select((item, i) => new Field(reading, item, $"{path}[{i}]"))];
        if (node is FleetList) Report($"The list is empty; at least one {ofWhat} is expected.");
        else if (node is not null) Report($"Expected a list of {ofWhat}s, found {node.Kind}.");
        return [];
    }
}
