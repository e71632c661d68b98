namespace CozeCluster.Migration.Sources;

/// <summary>Reads lines of environment variables: <c>NAME=value</c>, also with <c>export</c>, quotation marks and comments.</summary>
internal static class VariablesSource
{
    /// <exception cref="MigrationException">A line is no variable.</exception>
    public static SourceNode Parse(string text, string name)
    {
        var entries = new List<(string, SourceNode)>();
        var line = 0;
        foreach (var written in text.Split('\n'))
        {
            line++;
            var content = written.Trim();
            if (content.StartsWith("export ", StringComparison.Ordinal)) content = content[7..].TrimStart();
            if (content.Length == 0 || content[0] == '#') continue;
            if (Parse(content, new Place(name, line)) is not { } entry) throw new MigrationException($"{name}:{line}: Expected a variable: NAME=value.");
            entries.Add(entry);
            if (entries.Count > SourceFile.MaxNodes) throw new MigrationException($"{name}:{line}: The file has more than {SourceFile.MaxNodes} variables.");
        }
        return SourceNode.Map(new Place(name, 0), entries);
    }

    /// <summary>Reads one variable, or null if the text is none.</summary>
    public static (string Name, SourceNode Value)? Parse(string text, Place place)
    {
        var equals = text.IndexOf('=');
        var name = (equals < 0 ? text : text[..equals]).Trim();
        if (equals < 0 || name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')) return null;
        return (name, SourceNode.Scalar(place, Unquote(text[(equals + 1)..].Trim())));
    }

    private static string Unquote(string value)
    {
        if (value.Length > 0 && value[0] is '"' or '\'' && value.IndexOf(value[0], 1) is > 0 and var end) return value[1..end];
        // A comment begins behind a space: '#' may be part of a value.
        var comment = value.StartsWith('#') ? 0 : value.IndexOf(" #", StringComparison.Ordinal);
        return comment < 0 ? value : value[..comment].TrimEnd();
    }
}
