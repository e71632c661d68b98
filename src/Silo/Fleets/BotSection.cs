using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>bots</c>.</summary>
internal static class BotSection
{
    /// <param name="section">The section.</param>
    /// <param name="defaults">The timeouts of bots that have none of their own.</param>
    public static IReadOnlyList<DeclaredBot> Read(FleetField section, TurnTimeouts defaults) =>
        [.. section.List("bot").Select(item => item.Map(map => ReadBot(map, defaults))).OfType<DeclaredBot>()];

    private static DeclaredBot ReadBot(FleetMap map, TurnTimeouts defaults)
    {
        var id = map.Required("id");
        var name = map.Required("upstream").Upstream();
        var upstream = KnownUpstreams.Find(name);
        var accounts = map.Required("accounts").References("account");
        var botId = map.Required("bot_id");
        var keepActive = map.Optional("keep_active");
        var definition = new BotDefinition
        {
            Id = id.Id(),
            Upstream = name,
            UpstreamBotId = upstream?.ReadBotId(botId) ?? botId.UpstreamId(),
            Accounts = [.. accounts.Select(account => account.Id)],
            MaxConcurrentTurns = map.Optional("max_concurrent_turns").Turns(),
            Timeouts = TimeoutsSection.Read(map.Optional("timeouts"), defaults),
            KeepActive = KeepActiveSection.Read(keepActive),
            Task = ReadTask(map.Optional("task"), name),
            Limits = LimitsSection.Read(map.Optional("limits"), withTurns: false),
        };
        if (keepActive.Exists && UpstreamNames.IsLanguageModel(name)) keepActive.Report("Language models need no messages to stay active. Remove it.");
        var options = map.Optional("options");
        if (upstream is not null) definition = definition with { Options = options.Options(map, upstream.CheckBotOptions) };
        return new DeclaredBot(id, definition, accounts, upstream?.ListenerOption is { } listener ? [.. ReadListener(options, listener)] : []);
    }

    private static ModelTask ReadTask(FleetField field, string upstream)
    {
        var task = field.Text(text => text is "chat" or "embeddings" or "moderations", "chat, embeddings or moderations") switch
        {
            "embeddings" => ModelTask.Embeddings,
            "moderations" => ModelTask.Moderations,
            _ => ModelTask.Chat,
        };
        if (task == ModelTask.Chat || upstream == UpstreamNames.OpenAi) return task;
        field.Report($"Only bots of the upstream '{UpstreamNames.OpenAi}' have other tasks than chat.");
        return ModelTask.Chat;
    }

    private static IEnumerable<Reference> ReadListener(FleetField options, string listenerOption) =>
        from option in options.Entries()
        where option.Key == listenerOption
        let id = option.Value.Text()
        where id is not null
        select new Reference(id, option.Value);
}

/// <summary>Reads <c>timeouts</c>, of the fleet or of a bot.</summary>
internal static class TimeoutsSection
{
    private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Max = TimeSpan.FromHours(24);

    /// <param name="section">The section, which may be missing.</param>
    /// <param name="defaults">The timeouts that the section does not set.</param>
    public static TurnTimeouts Read(FleetField section, TurnTimeouts defaults) => section.Map(map => ReadTimeouts(map, defaults)) ?? defaults;

    private static TurnTimeouts ReadTimeouts(FleetMap map, TurnTimeouts defaults)
    {
        var firstByte = map.Optional("first_byte");
        var idle = map.Optional("idle");
        var total = map.Optional("total");
        var timeouts = new TurnTimeouts(
            firstByte.Duration(Min, Max) ?? defaults.FirstByte,
            idle.Duration(Min, Max) ?? defaults.Idle,
            total.Duration(Min, Max) ?? defaults.Total);

        // An inherited timeout may be longer than the total: it has no effect then. Only a timeout that is written here is a mistake.
        if (firstByte.Exists && timeouts.FirstByte > timeouts.Total) firstByte.Report(LongerThan(timeouts.Total));
        if (idle.Exists && timeouts.Idle > timeouts.Total) idle.Report(LongerThan(timeouts.Total));
        return timeouts;
    }

    private static string LongerThan(TimeSpan total) => $"This is longer than the total timeout, {Durations.Format(total)}.";
}

/// <summary>Reads <c>keep_active</c> of a bot.</summary>
internal static class KeepActiveSection
{
    private const string DefaultText = "Hi";
    private const string ExpectedTime = "a time of day such as 09:10";
    private const string ExpectedZone = "the IANA name of a time zone, such as Asia/Shanghai";

    public static KeepActiveDefinition? Read(FleetField section) => section.Map(map =>
    {
        var every = map.Optional("every");
        var at = map.Optional("at");
        var zone = map.Optional("time_zone");
        map.RequireOneOf("every", "at");
        if (zone.Exists && !at.Exists) zone.Report("'time_zone' is only valid together with 'at'.");
        return new KeepActiveDefinition(map.Optional("text").Text(text => text.Length <= 1000, "a text of 1 to 1000 characters") ?? DefaultText)
        {
            Every = every.Duration(TimeSpan.FromMinutes(10), TimeSpan.FromDays(30)),
            At = at.Text(text => TryParseTime(text, out _), ExpectedTime) is { } time && TryParseTime(time, out var found) ? found.ToTimeSpan() : null,
            TimeZone = zone.Text(text => TimeZoneInfo.TryFindSystemTimeZoneById(text, out _), ExpectedZone),
        };
    });

    private static bool TryParseTime(string text, out TimeOnly time) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
}
