using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Reads YAML into <see cref="FleetNode"/>s: one document, aliases resolved, no tags, no merge keys. A file has at most
/// <see cref="MaxCharacters"/> characters, <see cref="MaxDepth"/> levels and <see cref="MaxNodes"/> nodes once its aliases are followed.
/// </summary>
internal sealed class FleetYaml
{
    public const int MaxCharacters = 1024 * 1024;
    public const int MaxDepth = 32;
    public const int MaxNodes = 200_000;

    private readonly Parser _parser;
    private readonly List<FleetProblem> _problems;
    private readonly Dictionary<string, FleetNode?> _anchors = new(StringComparer.Ordinal);

    private FleetYaml(string text, List<FleetProblem> problems)
    {
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        _problems = problems;
    }

    /// <summary>The document's root; null, with problems, if there is none to work with.</summary>
    public static FleetNode? Read(string text, List<FleetProblem> problems)
    {
        if (text.Length > MaxCharacters)
        {
            problems.Add(new(Place.Start, $"The file has {text.Length} characters; at most {MaxCharacters} are read."));
            return null;
        }
        try
        {
            return new FleetYaml(text, problems).ReadDocument();
        }
        catch (YamlException e)
        {
            problems.Add(new(At(e.Start), $"This is not YAML: {e.Message.TrimEnd('.')}."));
            return null;
        }
        catch (UnreadableException e)
        {
            problems.Add(e.Problem);
            return null;
        }
    }

    private FleetNode? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            _problems.Add(new(Place.Start, "The file is empty; tenants, accounts, bots and models are expected."));
            return null;
        }
        _parser.Consume<DocumentStart>();
        var root = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out var second)) throw Unreadable(second, "A fleet file is one YAML document; a second one begins here.");
        if (root.Size > MaxNodes) throw Unreadable(root, $"With its aliases followed, the file has more than {MaxNodes} values.");
        return root;
    }

    private FleetNode ReadNode(int depth)
    {
        if (_parser.Accept<AnchorAlias>(out var alias))
        {
            _parser.MoveNext();
            return Resolve(alias);
        }
        if (!_parser.Accept<NodeEvent>(out var start)) throw Unreadable(_parser.Current!, "A value is expected here.");
        if (depth > MaxDepth) throw Unreadable(start, $"The file is nested deeper than {MaxDepth} levels.");
        if (!start.Tag.IsEmpty && !start.Tag.IsNonSpecific) _problems.Add(new(At(start.Start), "Tags (!…) are not supported."));

        // Known, but not finished: an alias to it from inside would be endless.
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = null;
        FleetNode node = start switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadList(start, depth),
            _ => ReadMap(start, depth),
        };
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = node;
        return node;
    }

    private FleetNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node)) throw Unreadable(alias, $"No anchor &{alias.Value.Value} stands above this alias.");
        return node ?? throw Unreadable(alias, $"The alias *{alias.Value.Value} stands inside what it names.");
    }

    private FleetScalar ReadScalar(Scalar scalar)
    {
        _parser.MoveNext();
        return new FleetScalar((int)scalar.Start.Line, (int)scalar.Start.Column, scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private FleetList ReadList(NodeEvent start, int depth)
    {
        _parser.MoveNext();
        var items = new List<FleetNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadNode(depth + 1));
        return new FleetList((int)start.Start.Line, (int)start.Start.Column, items);
    }

    private FleetMap ReadMap(NodeEvent start, int depth)
    {
        _parser.MoveNext();
        var entries = new List<(FleetScalar, FleetNode)>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is FleetScalar name) entries.Add((name, value));
            else _problems.Add(new(key.Line, key.Column, "", $"A key is a single word, not {key.Kind}."));
        }
        return new FleetMap((int)start.Start.Line, (int)start.Start.Column, entries);
    }

    private static Place At(Mark mark) => new((int)mark.Line, (int)mark.Column, "");

    private static UnreadableException Unreadable(ParsingEvent at, string message) => new(new FleetProblem(At(at.Start), message));

    private static UnreadableException Unreadable(FleetNode at, string message) => new(new FleetProblem(at.Line, at.Column, "", message));

    private sealed class UnreadableException(FleetProblem problem) : Exception(problem.Message)
    {
        public FleetProblem Problem { get; } = problem;
    }
}
