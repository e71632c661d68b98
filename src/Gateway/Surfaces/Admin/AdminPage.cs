namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>A page of a list.</summary>
/// <param name="Data">The items.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
internal sealed record AdminPage<T>(IReadOnlyList<T> Data, string? Next);

/// <summary>Divides lists into pages.</summary>
internal static class AdminPages
{
    /// <summary>Takes a page of what is in memory, ordered by id (ordinal). An id after which a page begins need not exist any more.</summary>
    /// <param name="call">The request.</param>
    /// <param name="ids">The ids, in any order.</param>
    /// <param name="find">Finds the item; null: it is not in the list.</param>
    public static AdminPage<T> Take<T>(AdminCall call, IEnumerable<string> ids, Func<string, T?> find) where T : class
    {
        var (limit, after) = (call.Limit, call.After);
        var rest = ids.Where(id => after is null || string.CompareOrdinal(id, after) > 0).Order(StringComparer.Ordinal);
        var found = rest.Select(id => (Id: id, Item: find(id))).Where(pair => pair.Item is not null).Take(limit + 1).ToList();
        return new AdminPage<T>([.. found.Take(limit).Select(pair => pair.Item!)], found.Count > limit ? found[limit - 1].Id : null);
    }

    /// <summary>Takes a page of a list in memory that has an order of its own. The page begins after the item whose id is <c>after</c>.</summary>
    /// <param name="call">The request.</param>
    /// <param name="items">All items, in their order.</param>
    /// <param name="idOf">The id of an item.</param>
    /// <param name="what">What error messages call an item.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: no item has the id <c>after</c>.</exception>
    public static AdminPage<T> TakeInOrder<T>(AdminCall call, IReadOnlyList<T> items, Func<T, string> idOf, string what)
    {
        var (limit, start) = (call.Limit, 0);
        if (call.After is { } after)
        {
            while (start < items.Count && idOf(items[start]) != after) start++;
            if (start++ == items.Count) throw AdminCall.Invalid("after", $"is not the id of {what}");
        }
        return Of([.. items.Skip(start).Take(limit + 1)], limit, item => item, idOf);
    }

    /// <summary>A page of rows. One row more than the limit was read, which shows whether there is another page.</summary>
    public static AdminPage<T> Of<TRow, T>(IReadOnlyList<TRow> rows, int limit, Func<TRow, T> convert, Func<TRow, string> cursor) =>
        new([.. rows.Take(limit).Select(convert)], rows.Count > limit ? cursor(rows[limit - 1]) : null);
}
