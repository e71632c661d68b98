namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>models</c>.</summary>
internal static class ModelSection
{
    private const int MaxWeight = 1_000;
    private const int MaxPriority = 100;
    private const string ExpectedName = "a model name: 1 to 100 characters, no spaces";

    private static readonly Dictionary<string, RoutingStrategy> Strategies = new(StringComparer.Ordinal)
    {
        ["round_robin"] = RoutingStrategy.RoundRobin,
        ["weighted"] = RoutingStrategy.Weighted,
        ["least_busy"] = RoutingStrategy.LeastBusy,
        ["random"] = RoutingStrategy.Random,
    };

    public static IReadOnlyList<DeclaredModel> Read(FleetField section) =>
        [.. section.List("model").Select(item => item.Map(ReadModel)).OfType<DeclaredModel>()];

    private static DeclaredModel ReadModel(FleetMap map)
    {
        var id = map.Required("id");
        var routing = ReadRouting(map.Optional("routing"));
        var (bots, shares) = ReadBots(map.Required("bots"), routing);
        var fallback = map.Optional("fallback").References("bot");
        foreach (var bot in fallback.Where(bot => bots.Any(other => other.Id == bot.Id))) bot.At.Report($"'{bot.At.Written}' is in 'bots' already.");
        var tenants = map.Optional("tenants").References("tenant");
        var definition = new ModelDefinition
        {
            Id = id.Text(text => text.Length <= 100 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)), ExpectedName) ?? "",
            Bots = [.. bots.Select(bot => bot.Id)],
            Fallback = [.. fallback.Select(bot => bot.Id)],
            Tenants = [.. tenants.Select(tenant => tenant.Id)],
            Hidden = map.Optional("hidden").Flag() ?? false,
            RefusesTools = IsRefused(map.Optional("tools")),
            RefusesResponseFormat = IsRefused(map.Optional("response_format")),
            Price = LimitsSection.ReadPrice(map.Optional("price")),
            Routing = routing,
            Shares = shares.Count > 0 ? shares : null,
        };
        return new DeclaredModel(id, definition, [.. bots, .. fallback], tenants);
    }

    private static RoutingStrategy ReadRouting(FleetField field) =>
        field.Text(Strategies.ContainsKey, "round_robin, weighted, least_busy or random") is { } name ? Strategies[name] : RoutingStrategy.RoundRobin;

    /// <summary>Reads bots that are written as ids, or as mappings with weight and priority.</summary>
    private static (IReadOnlyList<Reference> Bots, IReadOnlyList<BotShare> Shares) ReadBots(FleetField field, RoutingStrategy routing)
    {
        var (bots, shares) = (new List<Reference>(), new List<BotShare>());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in field.List("bot"))
        {
            var at = item;
            var share = item.IsMapping ? item.Map(map => ReadShare(map, routing, out at)) : item.Text("the id of a bot") is { } id ? new BotShare(id) : null;
            if (share is null or { BotId: "" }) continue;
            if (!seen.Add(share.BotId))
            {
                at.Report($"'{at.Written}' is listed twice.");
                continue;
            }
            bots.Add(new Reference(share.BotId, at));
            if (share is not { Weight: 1, Priority: 1 }) shares.Add(share);
        }
        return (bots, shares);
    }

    private static BotShare ReadShare(FleetMap map, RoutingStrategy routing, out FleetField id)
    {
        id = map.Required("id");
        var weight = map.Optional("weight");
        if (weight.Exists && routing != RoutingStrategy.Weighted) weight.Report("A weight has an effect only with 'routing: weighted'.");
        return new BotShare(id.Text("the id of a bot") ?? "")
        {
            Weight = weight.Number(1, MaxWeight) ?? 1,
            Priority = map.Optional("priority").Number(1, MaxPriority) ?? 1,
        };
    }

    private static bool IsRefused(FleetField field) => field.Text(text => text is "refuse" or "ignore", "refuse or ignore") == "refuse";
}
