namespace CozeCluster.Migration.Sources;

/// <summary>A value of an old configuration and where it is: a mapping, a list or a single value, whatever the format of the file.</summary>
internal sealed class SourceNode
{
    private SourceNode(Place place) => Place = place;

    public Place Place { get; }

    /// <summary>The entries of a mapping, in order; null if it is none.</summary>
    public IReadOnlyList<(string Key, SourceNode Value)>? Entries { get; private init; }

    /// <summary>The items of a list; null if it is none.</summary>
    public IReadOnlyList<SourceNode>? Items { get; private init; }

    /// <summary>A single value as text; null if it is none, or has no value.</summary>
    public string? Text { get; private init; }

    /// <summary>Whether nothing is written.</summary>
    public bool IsNothing => Entries is null && Items is null && Text is null;

    /// <summary>What error messages call it.</summary>
    public string Kind => Entries is not null ? "a mapping" : Items is not null ? "a list" : Text is null ? "nothing" : "a single value";

    public static SourceNode Map(Place place, IReadOnlyList<(string, SourceNode)> entries) => new(place) { Entries = entries };

    public static SourceNode List(Place place, IReadOnlyList<SourceNode> items) => new(place) { Items = items };

    public static SourceNode Scalar(Place place, string? text) => new(place) { Text = text };

    /// <summary>The value of a key of a mapping; the last one if there are several, as the old programs took it. Null if there is none.</summary>
    public SourceNode? Find(string key) => Entries?.LastOrDefault(entry => entry.Key == key).Value;

    /// <summary>Whether it is a mapping with any of some keys.</summary>
    public bool HasAny(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Find(key) is not null) return true;
        }
        return false;
    }
}

/// <summary>A place in an old configuration.</summary>
/// <param name="File">The file, or what else it is.</param>
/// <param name="Line">Counted from 1; 0: the whole.</param>
internal readonly record struct Place(string File, int Line)
{
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}";
}
