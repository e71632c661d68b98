using System.Text.Json.Nodes;

namespace CozeCluster.Grains;

/// <summary>Compares two forms of a thing of the fleet as text.</summary>
internal static class FleetItemText
{
    /// <summary>
    /// Lists the members in which two different forms differ: all of them if one fleet does not have the thing. If only values of secrets differ, the list is
    /// <c>secret</c>.
    /// </summary>
    public static IReadOnlyList<string> FieldsThatDiffer(Fleet before, Fleet after, FleetItemId item, IFleetDocuments documents)
    {
        var (one, other) = (Parse(before, item, documents), Parse(after, item, documents));
        var names = one.Select(member => member.Key).Union(other.Select(member => member.Key));
        List<string> fields = [.. names.Where(name => !JsonNode.DeepEquals(one[name], other[name]))];
        // All secrets are the same text.
        return fields.Count > 0 ? fields : ["secret"];
    }

    private static JsonObject Parse(Fleet fleet, FleetItemId item, IFleetDocuments documents) =>
        documents.WriteItem(item, fleet) is { } text ? JsonNode.Parse(text)!.AsObject() : [];
}
