namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>bots</c>.</summary>
internal static class BotSection
{
    public static IReadOnlyList<DeclaredBot> Read(Field section, TurnTimeouts defaults) =>
        [.. section.List("bot").Select(item => item.Map(map => Bot(map, defaults))).OfType<DeclaredBot>()];

    private static DeclaredBot Bot(MapReader map, TurnTimeouts defaults)
    {
        var id = map.Required("id");
        var name = map.Required("upstream").Upstream();
        var upstream = KnownUpstreams.Find(name);
        var accounts = map.Required("accounts").References("account");
        var definition = new BotDefinition
        {
            Id = id.Id(),
            Upstream = name,
            UpstreamBotId = upstream is null ? map.Required("bot_id").ForeignId() : upstream.BotId(map.Required("bot_id")),
            Accounts = [.. accounts.Select(account => account.Id)],
            MaxConcurrentTurns = map.Optional("max_concurrent_turns").Turns(),
            Timeouts = TimeoutsSection.Read(map.Optional("timeouts"), defaults),
            KeepActive = KeepActiveSection.Read(map.Optional("keep_active")),
        };
        var options = map.Optional("options");
        if (upstream is not null) definition = definition with { Options = options.Options(map, upstream.CheckBot) };
        return new DeclaredBot(id, definition, accounts, name == KnownUpstreams.Discord ? [.. Listener(options)] : []);
    }

    private static IEnumerable<Reference> Listener(Field options) =>
        from option in options.Entries()
        where option.Key == "listener"
        let id = option.Value.Text()
        where id is not null
        select new Reference(id, option.Value);
}
