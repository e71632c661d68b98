namespace CozeCluster.Grains;

/// <summary>The content of a row of kind <see cref="FleetRowKind.Managed"/>: something is managed through the API.</summary>
/// <param name="At">When it was last changed through the API.</param>
/// <param name="By">Who did that.</param>
internal sealed record FleetMark(DateTimeOffset At, string By)
{
    /// <summary>What the fleet file says about it; empty: nothing.</summary>
    public IReadOnlyList<DeclaredRow> Declared { get => field ?? []; init; }

    /// <summary>The id of the row of a mark.</summary>
    public static string RowId(FleetItemId item) => $"{WireName.Of(item.Kind)}/{item.Id}";

    /// <summary>The thing that a mark is about; null if this build does not know its kind.</summary>
    public static FleetItemId? ItemOf(string rowId)
    {
        var slash = rowId.IndexOf('/', StringComparison.Ordinal);
        foreach (var kind in slash < 0 ? [] : Enum.GetValues<FleetItemKind>())
        {
            if (rowId.AsSpan(0, slash).SequenceEqual(WireName.Of(kind))) return new FleetItemId(kind, rowId[(slash + 1)..]);
        }
        return null;
    }
}

/// <summary>A row that something would have if it were as the fleet file declares it.</summary>
/// <param name="Id">The id of the row.</param>
/// <param name="Payload">Its content.</param>
internal sealed record DeclaredRow(string Id, byte[] Payload);
