namespace CozeCluster.Silo.Fleets;

/// <summary>A piece of a fleet file and where it stands.</summary>
/// <param name="line">Counted from 1.</param>
/// <param name="column">Counted from 1.</param>
internal abstract class FleetNode(int line, int column)
{
    public int Line { get; } = line;

    public int Column { get; } = column;

    /// <summary>How messages call this kind of node.</summary>
    public abstract string Kind { get; }

    /// <summary>How many nodes it stands for, those repeated by aliases included.</summary>
    public virtual int Size => 1;
}

internal sealed class FleetScalar(int line, int column, string text, bool plain) : FleetNode(line, column)
{
    /// <summary>As written: <c>${NAME}</c> is not replaced yet.</summary>
    public string Text { get; } = text;

    public bool IsNull { get; } = plain && text is "" or "~" or "null" or "Null" or "NULL";

    public override string Kind => IsNull ? "nothing" : "a single value";
}

internal sealed class FleetList(int line, int column, IReadOnlyList<FleetNode> items) : FleetNode(line, column)
{
    public IReadOnlyList<FleetNode> Items { get; } = items;

    public override string Kind => "a list";

    public override int Size { get; } = FleetNodeSize.Sum(items);
}

internal sealed class FleetMap(int line, int column, IReadOnlyList<(FleetScalar Key, FleetNode Value)> entries) : FleetNode(line, column)
{
    public IReadOnlyList<(FleetScalar Key, FleetNode Value)> Entries { get; } = entries;

    public override string Kind => "a mapping";

    public override int Size { get; } = FleetNodeSize.Sum(entries.Select(entry => entry.Value));
}

file static class FleetNodeSize
{
    // Aliases of aliases grow exponentially, so the sum is capped rather than computed.
    public static int Sum(IEnumerable<FleetNode> nodes)
    {
        var sum = 1L;
        foreach (var node in nodes) sum = Math.Min(sum + node.Size, int.MaxValue);
        return (int)sum;
    }
}
