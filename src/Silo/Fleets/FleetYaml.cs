using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Reads the YAML of a fleet file into <see cref="YamlNode"/>s. Aliases are resolved; tags, merge keys and a second document are problems.
/// A file has at most <see cref="MaxCharacters"/> characters, <see cref="MaxDepth"/> levels, and <see cref="MaxNodes"/> nodes with all aliases expanded.
/// </summary>
internal sealed class FleetYaml
{
    public const int MaxCharacters = 16 * 1024 * 1024;
    public const int MaxDepth = 32;
    public const int MaxNodes = 2_000_000;

    private readonly Parser _parser;
    private readonly List<FleetProblem> _problems;
    private readonly Dictionary<string, YamlNode?> _anchors = new(StringComparer.Ordinal);

    private FleetYaml(string text, List<FleetProblem> problems)
    {
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        _problems = problems;
    }

    /// <summary>Reads the root of the document.</summary>
    /// <param name="text">The content of the file.</param>
    /// <param name="problems">Receives what is wrong with the YAML.</param>
    /// <returns>Null, with at least one problem, if the text has no usable root.</returns>
    public static YamlNode? Read(string text, List<FleetProblem> problems)
    {
        if (text.Length > MaxCharacters)
        {
            problems.Add(new(Place.Start, $"The file has {text.Length} characters; the limit is {MaxCharacters}."));
            return null;
        }
        try
        {
            return new FleetYaml(text, problems).ReadDocument();
        }
        catch (YamlException e)
        {
            problems.Add(new(PlaceOf(e.Start), $"This is not YAML: {e.Message.TrimEnd('.')}."));
            return null;
        }
        catch (UnreadableException e)
        {
            problems.Add(e.Problem);
            return null;
        }
    }

    private YamlNode? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            _problems.Add(new(Place.Start, "The file is empty. It must contain tenants, accounts, bots and models."));
            return null;
        }
        _parser.Consume<DocumentStart>();
        var root = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out var second)) throw Unreadable(second, "A fleet file is one YAML document; a second document begins here.");
        if (root.Size > MaxNodes) throw Unreadable(root, $"With all aliases expanded, the file has more than {MaxNodes} values.");
        return root;
    }

    private YamlNode ReadNode(int depth)
    {
        if (_parser.Accept<AnchorAlias>(out var alias))
        {
            _parser.MoveNext();
            return Resolve(alias);
        }
        if (!_parser.Accept<NodeEvent>(out var start)) throw Unreadable(_parser.Current!, "A value is expected here.");
        if (depth > MaxDepth) throw Unreadable(start, $"The file is nested deeper than {MaxDepth} levels.");
        if (!start.Tag.IsEmpty && !start.Tag.IsNonSpecific) _problems.Add(new(PlaceOf(start.Start), "Tags (!…) are not supported."));

        // Null marks an unfinished value: an alias to it from inside would never end.
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = null;
        YamlNode node = start switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadList(start, depth),
            _ => ReadMap(start, depth),
        };
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = node;
        return node;
    }

    private YamlNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node)) throw Unreadable(alias, $"There is no anchor &{alias.Value.Value} above this alias.");
        return node ?? throw Unreadable(alias, $"The alias *{alias.Value.Value} is inside the value that it refers to.");
    }

    private YamlScalar ReadScalar(Scalar scalar)
    {
        _parser.MoveNext();
        return new YamlScalar((int)scalar.Start.Line, (int)scalar.Start.Column, scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private YamlList ReadList(NodeEvent start, int depth)
    {
        _parser.MoveNext();
        var items = new List<YamlNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadNode(depth + 1));
        return new YamlList((int)start.Start.Line, (int)start.Start.Column, items);
    }

    private YamlMap ReadMap(NodeEvent start, int depth)
    {
        _parser.MoveNext();
        var entries = new List<(YamlScalar, YamlNode)>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is YamlScalar name) entries.Add((name, value));
            else _problems.Add(new(key.Line, key.Column, "", $"A key must be a single value, not {key.Kind}."));
        }
        return new YamlMap((int)start.Start.Line, (int)start.Start.Column, entries);
    }

    private static Place PlaceOf(Mark mark) => new((int)mark.Line, (int)mark.Column, "");

    private static UnreadableException Unreadable(ParsingEvent at, string message) => new(new FleetProblem(PlaceOf(at.Start), message));

    private static UnreadableException Unreadable(YamlNode at, string message) => new(new FleetProblem(at.Line, at.Column, "", message));

    private sealed class UnreadableException(FleetProblem problem) : Exception(problem.Message)
    {
        public FleetProblem Problem { get; } = problem;
    }
}

/// <summary>A value of a fleet file and its position.</summary>
/// <param name="line">Counted from 1.</param>
/// <param name="column">Counted from 1.</param>
internal abstract class YamlNode(int line, int column)
{
    public int Line { get; } = line;

    public int Column { get; } = column;

    /// <summary>What error messages call this kind of node.</summary>
    public abstract string Kind { get; }

    /// <summary>The number of nodes in this one, itself included, with all aliases expanded.</summary>
    public virtual int Size => 1;

    // Aliases of aliases grow exponentially, so the sum is capped.
    protected static int SizeWith(IEnumerable<YamlNode> children)
    {
        var sum = 1L;
        foreach (var child in children) sum = Math.Min(sum + child.Size, int.MaxValue);
        return (int)sum;
    }
}

/// <summary>A single value.</summary>
internal sealed class YamlScalar(int line, int column, string text, bool plain) : YamlNode(line, column)
{
    /// <summary>The text as written: <c>${NAME}</c> is not replaced yet.</summary>
    public string Text { get; } = text;

    public bool IsNull { get; } = plain && text is "" or "~" or "null" or "Null" or "NULL";

    public override string Kind => IsNull ? "nothing" : "a single value";
}

/// <summary>A list of values.</summary>
internal sealed class YamlList(int line, int column, IReadOnlyList<YamlNode> items) : YamlNode(line, column)
{
    public IReadOnlyList<YamlNode> Items { get; } = items;

    public override string Kind => "a list";

    public override int Size { get; } = SizeWith(items);
}

/// <summary>A mapping of keys to values, in the order of the file.</summary>
internal sealed class YamlMap(int line, int column, IReadOnlyList<(YamlScalar Key, YamlNode Value)> entries) : YamlNode(line, column)
{
    public IReadOnlyList<(YamlScalar Key, YamlNode Value)> Entries { get; } = entries;

    public override string Kind => "a mapping";

    public override int Size { get; } = SizeWith(entries.Select(entry => entry.Value));
}
