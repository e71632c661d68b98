using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CozeCluster.Migration.Sources;

/// <summary>Reads YAML: one document, with anchors, aliases and merge keys (<c>&lt;&lt;</c>), which compose files use.</summary>
internal sealed class YamlSource
{
    private readonly Parser _parser;
    private readonly string _name;
    private readonly Dictionary<string, SourceNode?> _anchors = new(StringComparer.Ordinal);
    private int _nodes;

    private YamlSource(string text, string name)
    {
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        _name = name;
    }

    /// <exception cref="MigrationException">It is not YAML, or is too large.</exception>
    public static SourceNode Parse(string text, string name)
    {
        try
        {
            return new YamlSource(text, name).ReadDocument();
        }
        catch (YamlException e)
        {
            // The message of the parser may repeat a part of the line.
            throw new MigrationException($"{name}:{e.Start.Line}: This is not YAML. Look at indentation, quotation marks and colons here and above.");
        }
    }

    private SourceNode ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _)) throw new MigrationException($"{_name}: The file is empty.");
        _parser.Consume<DocumentStart>();
        return ReadNode(0);
    }

    private SourceNode ReadNode(int depth)
    {
        var line = (int)_parser.Current!.Start.Line;
        var place = new Place(_name, line);
        if (++_nodes > SourceFile.MaxNodes) throw new MigrationException($"{place}: The file has more than {SourceFile.MaxNodes} values.");
        if (depth > SourceFile.MaxDepth) throw new MigrationException($"{place}: The file is nested deeper than {SourceFile.MaxDepth} levels.");
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return _anchors.GetValueOrDefault(alias.Value.Value)
                ?? throw new MigrationException($"{place}: There is no complete value with this anchor above.");
        }
        var anchor = _parser.Accept<NodeEvent>(out var start) && !start.Anchor.IsEmpty ? start.Anchor.Value : null;
        var node = ReadValue(place, depth);
        if (anchor is not null) _anchors[anchor] = node;
        return node;
    }

    private SourceNode ReadValue(Place place, int depth)
    {
        if (_parser.TryConsume<Scalar>(out var scalar))
        {
            var isNothing = scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null";
            return SourceNode.Scalar(place, isNothing ? null : scalar.Value);
        }
        if (_parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<SourceNode>();
            while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadNode(depth + 1));
            return SourceNode.List(place, items);
        }
        _parser.Consume<MappingStart>();
        var entries = new List<(string, SourceNode)>();
        var merged = new Dictionary<string, SourceNode>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key.Text is not { } name) throw new MigrationException($"{key.Place}: A key must be a single value, not {key.Kind}.");
            if (name == "<<") Merge(value, merged);
            else entries.Add((name, value));
        }
        // The last entry with a key counts, so what is merged comes first.
        return SourceNode.Map(place, [.. merged.Select(entry => (entry.Key, entry.Value)), .. entries]);
    }

    private void Merge(SourceNode value, Dictionary<string, SourceNode> merged)
    {
        foreach (var map in value.Items ?? [value])
        {
            foreach (var (key, entry) in map.Entries ?? [])
            {
                if (++_nodes > SourceFile.MaxNodes) throw new MigrationException($"{value.Place}: The file has more than {SourceFile.MaxNodes} values.");
                merged.TryAdd(key, entry);
            }
        }
    }
}
