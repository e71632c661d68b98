namespace CozeCluster.Migration.Sources;

/// <summary>The files of old configurations in a folder, and which systems they belong to.</summary>
internal sealed class OldFolder
{
    private const string AnyConversations = "conversation_*.json";
    private const int MaxConversations = 100;

    private readonly string _folder;
    private readonly OldSystem? _wanted;
    private readonly Dictionary<OldSystem, SourceNode> _documents = [];
    private readonly Dictionary<OldSystem, List<(string, SourceNode)>> _variables = [];
    private readonly Dictionary<OldSystem, List<string>> _files = [];

    /// <param name="folder">The full path.</param>
    /// <param name="wanted">Reads only this system's files; null: all.</param>
    public OldFolder(string folder, OldSystem? wanted) => (_folder, _wanted) = (folder, wanted);

    /// <summary>The systems that something was found of.</summary>
    public IReadOnlyList<OldSystem> Systems => [.. _files.Keys.Order()];

    /// <summary>The files of a system.</summary>
    public IReadOnlyList<string> Files(OldSystem system) => _files.GetValueOrDefault(system, []);

    /// <summary>Reads every file that may belong to a system.</summary>
    public OldFolder ReadAll()
    {
        foreach (var name in Detection.VariableFiles.Where(Exists)) Add(name, isNamed: false);
        foreach (var system in Enum.GetValues<OldSystem>()) AddDocumentOf(system);
        return this;
    }

    /// <summary>Reads one file that was named, and those that belong to it.</summary>
    public OldFolder ReadFile(string name)
    {
        Add(name, isNamed: true);
        var systems = Systems;
        if (systems.Count != 1) return this;
        foreach (var other in Detection.VariableFiles.Where(other => other != name && Exists(other)))
        {
            if (!Detection.VariableFiles.Contains(name)) Add(other, isNamed: false);
        }
        AddDocumentOf(systems[0]);
        return this;
    }

    /// <summary>The configuration of a system.</summary>
    public OldInputs Inputs(OldSystem system) =>
        new(SourceNode.Map(new Place(string.Join(", ", Files(system)), 0), _variables.GetValueOrDefault(system, [])), _documents.GetValueOrDefault(system))
        {
            ConversationFiles = system == OldSystem.Cdb ? ConversationFiles() : [],
        };

    private void AddDocumentOf(OldSystem system)
    {
        if (_documents.ContainsKey(system) || (_wanted ?? system) != system) return;
        var own = _variables.GetValueOrDefault(system, []).LastOrDefault(entry => entry.Item1 is "BOT_CONFIG" or "bot_config_path").Item2?.Text;
        IEnumerable<string> names = own is { Length: > 0 } ? [own, .. Detection.Documents(system)] : Detection.Documents(system);
        foreach (var name in names.Where(Exists))
        {
            var document = Parse(name);
            if (Detection.IsFleet(document)) continue;
            // A file with a name that others use too counts only if it looks like one of this system.
            if (Detection.OfDocument(document) != system && (name != own || document.Items is { Count: 0 })) continue;
            SetDocument(system, name, document);
            return;
        }
    }

    private void Add(string name, bool isNamed)
    {
        var document = Parse(name);
        if (isNamed && Detection.IsFleet(document)) throw new MigrationException($"{name} is a fleet file already.");
        if (ComposeSource.Is(document)) AddServices(name, document);
        else if (Path.GetExtension(name).ToLowerInvariant() is ".json" or ".yml" or ".yaml") AddDocument(name, document);
        else AddVariables(name, document);
    }

    private void AddDocument(string name, SourceNode document)
    {
        if ((Detection.OfDocument(document) ?? _wanted) is { } system && (_wanted ?? system) == system) SetDocument(system, name, document);
    }

    private void AddServices(string name, SourceNode document)
    {
        var substitutes = Exists(".env") ? Parse(".env") : null;
        var services = ComposeSource.Services(document, Full(name), substitutes);
        var found = services.SelectMany(service => Detection.OfVariables(service.Variables).Select(system => (service.Name, system))).ToList();
        foreach (var of in found.GroupBy(pair => pair.system).Where(of => of.Count() > 1 && (_wanted ?? of.Key) == of.Key))
        {
            throw new MigrationException(
                $"{name}: Several services run {of.Key.NameOf()}: {string.Join(", ", of.Select(pair => ReadContext.Printable(pair.Name)))}. "
                + "A fleet is made from one of them: copy its part into a file of its own.");
        }
        foreach (var service in services) AddVariables(name, service.Variables);
    }

    // The first value that is read is used, so a compose file is read before the file with the values that it uses.
    private void AddVariables(string name, SourceNode variables)
    {
        var systems = Detection.OfVariables(variables);
        foreach (var system in systems.Count == 0 && _wanted is { } wanted ? [wanted] : systems)
        {
            if ((_wanted ?? system) != system) continue;
            if (!_variables.TryGetValue(system, out var entries)) _variables[system] = entries = [];
            entries.InsertRange(0, variables.Entries!);
            AddName(system, name);
        }
    }

    private void SetDocument(OldSystem system, string name, SourceNode document)
    {
        _documents[system] = document;
        AddName(system, name);
    }

    private void AddName(OldSystem system, string name)
    {
        if (!_files.TryGetValue(system, out var names)) _files[system] = names = [];
        if (!names.Contains(name)) names.Add(name);
    }

    private List<string> ConversationFiles()
    {
        try
        {
            return [.. Directory.EnumerateFiles(_folder, AnyConversations).Take(MaxConversations).Select(file => Path.GetFileName(file)).Order()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private SourceNode Parse(string name) => SourceFile.Parse(SourceFile.Read(Full(name), name), name);

    private bool Exists(string name) => File.Exists(Full(name));

    private string Full(string name) => Path.GetFullPath(name, _folder);
}
