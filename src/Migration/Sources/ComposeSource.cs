namespace CozeCluster.Migration.Sources;

/// <summary>Reads the environment of the service of a compose file that runs an old system.</summary>
internal static class ComposeSource
{
    /// <summary>Whether the document is a compose file.</summary>
    public static bool Is(SourceNode document) => document.Find("services")?.Entries is not null;

    /// <summary>The variables of each service, by its name. Lines of <c>environment</c> override those of <c>env_file</c>.</summary>
    /// <param name="document">The compose file.</param>
    /// <param name="path">Its full path: <c>env_file</c> starts there.</param>
    /// <param name="substitutes">The variables that replace <c>${NAME}</c>; null: there are none.</param>
    /// <exception cref="MigrationException">An entry is no variable, or a file that it names cannot be read.</exception>
    public static IReadOnlyList<(string Name, SourceNode Variables)> Services(SourceNode document, string path, SourceNode? substitutes) =>
    [
        .. document.Find("services")!.Entries!.Select(service =>
        {
            var files = FilesOf(service.Value.Find("env_file"), Path.GetDirectoryName(path)!);
            var own = Own(service.Value.Find("environment")).Select(entry => (entry.Name, Substitute(entry.Value, substitutes)));
            return (service.Key, SourceNode.Map(service.Value.Place, [.. files, .. own]));
        }),
    ];

    private static IEnumerable<(string Name, SourceNode Value)> FilesOf(SourceNode? files, string folder)
    {
        if (files is null) return [];
        return (files.Items ?? [files]).SelectMany(file =>
        {
            var name = file.Text ?? file.Find("path")?.Text ?? "";
            var path = Path.GetFullPath(name, folder);
            return name.Length > 0 && File.Exists(path) ? VariablesSource.Parse(SourceFile.Read(path, name), name).Entries! : [];
        });
    }

    private static IEnumerable<(string Name, SourceNode Value)> Own(SourceNode? environment)
    {
        if (environment is null || environment.IsNothing) return [];
        if (environment.Entries is { } map) return map;
        if (environment.Items is { } list) return list.Select(Variable).OfType<(string, SourceNode)>();
        throw new MigrationException($"{environment.Place}: environment: Expected a list or a mapping of variables, found {environment.Kind}.");
    }

    private static (string, SourceNode)? Variable(SourceNode item)
    {
        if (item.Text is not { } text) throw new MigrationException($"{item.Place}: environment: Expected NAME=value, found {item.Kind}.");
        // A name alone takes the value of the shell that starts the service.
        if (!text.Contains('=')) return null;
        return text.IndexOf('=') is > 0 and var equals
            ? (text[..equals].Trim(), SourceNode.Scalar(item.Place, text[(equals + 1)..]))
            : throw new MigrationException($"{item.Place}: environment: Expected NAME=value.");
    }

    /// <summary>Replaces <c>${NAME}</c> and <c>${NAME:-default}</c>, as compose does. A variable that is not known is empty.</summary>
    private static SourceNode Substitute(SourceNode value, SourceNode? substitutes)
    {
        if (value.Text is not { } text || !text.Contains('$')) return value;
        var result = new System.Text.StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '$')
            {
                result.Append(text[i++]);
            }
            else if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '{' && text.IndexOf('}', i) is > 0 and var end)
            {
                var parts = text[(i + 2)..end].Split(":-", 2);
                result.Append(substitutes?.Find(parts[0])?.Text is { Length: > 0 } found ? found : parts.ElementAtOrDefault(1));
                i = end;
            }
            else
            {
                result.Append(text[i]);
            }
        }
        return SourceNode.Scalar(value.Place, result.ToString());
    }
}
