using System.Text.Json.Nodes;

namespace CozeCluster.Grains;

/// <summary>Compares two forms of a thing of the fleet as text.</summary>
internal static class FleetItemText
{
    /// <summary>Lists the members in which two different forms differ. If only values of secrets differ, the list is <c>secret</c>.</summary>
    public static IReadOnlyList<string> FieldsThatDiffer(Fleet before, Fleet after, FleetItemId item, IFleetDocuments documents)
    {
        var (one, other) = (Parse(before, item, documents), Parse(after, item, documents));
        var names = one.Select(member => member.Key).Union(other.Select(member => member.Key));
        List<string> fields = [.. names.Where(name => !JsonNode.DeepEquals(one[name], other[name]))];
        // All secrets are the same text.
        return fields.Count > 0 ? fields : ["secret"];
    }

    /// <summary>A fleet that has only this thing of another one.</summary>
    public static Fleet Only(Fleet fleet, FleetItemId item) => item.Kind switch
    {
        FleetItemKind.Tenant => Fleet.Empty with { Tenants = [.. fleet.Tenants.Where(tenant => tenant.Id == item.Id)] },
        FleetItemKind.Key => Fleet.Empty with
        {
            Tenants =
            [
                .. from tenant in fleet.Tenants
                   where tenant.Id == item.TenantOfKey()
                   select tenant with { Keys = [.. tenant.Keys.Where(key => key.Name == item.NameOfKey())] },
            ],
        },
        FleetItemKind.Account => Fleet.Empty with { Accounts = [.. fleet.Accounts.Where(account => account.Id == item.Id)] },
        FleetItemKind.Listener => Fleet.Empty with { Listeners = [.. fleet.Listeners.Where(listener => listener.Id == item.Id)] },
        FleetItemKind.Bot => Fleet.Empty with { Bots = [.. fleet.Bots.Where(bot => bot.Id == item.Id)] },
        FleetItemKind.Model => Fleet.Empty with { Models = [.. fleet.Models.Where(model => model.Id == item.Id)] },
        _ => Fleet.Empty with { Notifications = fleet.Notifications, Endpoints = fleet.Endpoints },
    };

    private static JsonObject Parse(Fleet fleet, FleetItemId item, IFleetDocuments documents) =>
        JsonNode.Parse(documents.WriteItem(item, fleet))!.AsObject();
}
