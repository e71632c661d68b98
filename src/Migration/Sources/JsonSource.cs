using System.Text;
using System.Text.Json;

namespace CozeCluster.Migration.Sources;

/// <summary>Reads JSON, in which comments and commas at the end of lists are accepted, because samples of the old systems have them.</summary>
internal ref struct JsonSource
{
    private static readonly JsonReaderOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = SourceFile.MaxDepth,
    };

    private readonly ReadOnlySpan<byte> _utf8;
    private readonly string _name;
    private Utf8JsonReader _reader;
    private int _nodes;
    private int _line = 1;
    private long _counted;

    private JsonSource(ReadOnlySpan<byte> utf8, string name)
    {
        _utf8 = utf8;
        _name = name;
        _reader = new Utf8JsonReader(utf8, Options);
    }

    /// <exception cref="MigrationException">It is not JSON, or is too large.</exception>
    public static SourceNode Parse(string text, string name)
    {
        try
        {
            var source = new JsonSource(Encoding.UTF8.GetBytes(text), name);
            source._reader.Read();
            var root = source.ReadNode();
            while (source._reader.Read()) throw new JsonException("More than one value.", null, source.Line() - 1, null);
            return root;
        }
        catch (JsonException e)
        {
            // The message of the parser repeats characters of the file. The place is enough to find the error.
            var line = (e.LineNumber ?? 0) + 1;
            throw new MigrationException($"{name}:{line}: This is not JSON. Look for a missing comma, bracket or quotation mark here or above.");
        }
        catch (InvalidOperationException)
        {
            throw new MigrationException($"{name}: A text contains an invalid Unicode escape.");
        }
    }

    private SourceNode ReadNode()
    {
        var place = new Place(_name, Line());
        if (++_nodes > SourceFile.MaxNodes) throw new MigrationException($"{place}: The file has more than {SourceFile.MaxNodes} values.");
        return _reader.TokenType switch
        {
            JsonTokenType.StartObject => ReadMap(place),
            JsonTokenType.StartArray => ReadList(place),
            JsonTokenType.String => SourceNode.Scalar(place, _reader.GetString()),
            JsonTokenType.Null => SourceNode.Scalar(place, null),
            // Ids may be written as numbers that no number type holds exactly.
            _ => SourceNode.Scalar(place, Encoding.UTF8.GetString(_reader.ValueSpan)),
        };
    }

    private SourceNode ReadMap(Place place)
    {
        var entries = new List<(string, SourceNode)>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            var key = _reader.GetString()!;
            _reader.Read();
            entries.Add((key, ReadNode()));
        }
        return SourceNode.Map(place, entries);
    }

    private SourceNode ReadList(Place place)
    {
        var items = new List<SourceNode>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray) items.Add(ReadNode());
        return SourceNode.List(place, items);
    }

    // Tokens come in the order of the file, so each part of it is counted once.
    private int Line()
    {
        _line += _utf8[(int)_counted..(int)_reader.TokenStartIndex].Count((byte)'\n');
        _counted = _reader.TokenStartIndex;
        return _line;
    }
}
