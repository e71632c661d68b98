namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>models</c>.</summary>
internal static class ModelSection
{
    public static IReadOnlyList<DeclaredModel> Read(Field section) =>
        [.. section.List("model").Select(item => item.Map(Model)).OfType<DeclaredModel>()];

    private static DeclaredModel Model(MapReader map)
    {
        var id = map.Required("id");
        var bots = map.Required("bots").References("bot");
        var tenants = map.Optional("tenants").References("tenant");
        var definition = new ModelDefinition
        {
            Id = id.Text(text => text.Length <= 100 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)), "a model name: 1 to 100 characters, no spaces") ?? "",
            Bots = [.. bots.Select(bot => bot.Id)],
            Tenants = [.. tenants.Select(tenant => tenant.Id)],
        };
        return new DeclaredModel(id, definition, bots, tenants);
    }
}
