namespace CozeCluster.Silo.Fleets;

/// <summary>Says how much a fleet contains: <c>1 tenant with 2 API keys, 3 accounts, 6 bots, 5 models</c>.</summary>
internal static class FleetCounts
{
    public static string Of(FleetFile fleet)
    {
        var keys = fleet.Tenants.Sum(tenant => tenant.Keys.Count);
        var listeners = fleet.Listeners.Count > 0 ? $"{Count(fleet.Listeners.Count, "listener")}, " : "";
        return $"{Count(fleet.Tenants.Count, "tenant")} with {Count(keys, "API key")}, {listeners}{Count(fleet.Accounts.Count, "account")}, "
            + $"{Count(fleet.Bots.Count, "bot")}, {Count(fleet.Models.Count, "model")}";
    }

    private static string Count(int number, string thing) => number == 1 ? $"1 {thing}" : $"{number} {thing}s";
}
