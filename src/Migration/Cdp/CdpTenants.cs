using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdp;

/// <summary>
/// Makes tenants, keys and models. Without entries there is one tenant with all keys, whose bot answers whatever model is asked for. With entries, each key is
/// a tenant of its own, because it decides which bots a request reaches.
/// </summary>
internal static class CdpTenants
{
    private const string Variable = "PROXY_SECRET";
    private const int MaxAlias = 100;
    private const int MaxAliases = 200;

    /// <returns>Whether requests need no key.</returns>
    public static bool Read(ReadContext context, Section variables, IReadOnlyList<CdpEntry> entries, CdpBots bots)
    {
        var keys = variables.Tokens(Variable);
        var from = variables.From(Variable);
        // A file of entries alone does not say which keys were accepted.
        if (keys.Count == 0 && !variables.Has("BOT_TOKEN"))
            (keys, from) = ([.. entries.Select(entry => entry.Secret).OfType<string>().Distinct(StringComparer.Ordinal)], "proxySecret");
        if (entries.Count == 0) ReadOne(context, variables, keys, from, bots);
        else if (keys.Count == 0) ReadOpen(context, entries, bots);
        else ReadMany(context, keys, from, entries, bots);
        // It is read in either case: then it is no unknown variable.
        var botId = variables.Snowflake("COZE_BOT_ID");
        if (entries.Count > 0 && botId is not null && entries.All(entry => entry.BotId != botId))
            context.Note("COZE_BOT_ID was left out: the entries of bot_config.json say which bots answer.");
        if (keys.Count == 0) context.Note("PROXY_SECRET is not set, so requests need no key. Other machines are served only with allow_weak_keys: true.", true);
        return keys.Count == 0;
    }

    private static void ReadOne(ReadContext context, Section variables, IReadOnlyList<string> keys, string from, CdpBots bots)
    {
        var tenant = new OldTenant("cdp", from) { DefaultModel = "coze" };
        AddKeys(context, tenant, keys, from);
        tenant.Aliases.Add(new OldOption("*", FleetValue.Plain("coze"), "any model name reaches the bot"));
        var id = variables.Snowflake("COZE_BOT_ID");
        if (!variables.Has("COZE_BOT_ID")) context.Note("COZE_BOT_ID, the bot that answers, was not found: set it before the node starts.", isImportant: true);
        var bot = id is null ? bots.Missing("COZE_BOT_ID") : bots.Id(id, null, variables.From("COZE_BOT_ID"));
        context.Fleet.Tenants.Add(tenant);
        context.Fleet.Models.Add(new OldModel("coze", [bot], []) { IsHidden = true });
    }

    // Without keys, the old program looked only at the model.
    private static void ReadOpen(ReadContext context, IReadOnlyList<CdpEntry> entries, CdpBots bots)
    {
        var tenant = new OldTenant("cdp", $"{Variable} is not set");
        context.Fleet.Tenants.Add(tenant);
        AddModels(context, tenant, entries, bots, prefix: "", new HashSet<string>(StringComparer.Ordinal));
        if (entries.Any(entry => entry.Secret is not null)) context.Note("proxySecret of the entries has no effect, because PROXY_SECRET is not set.");
    }

    private static void ReadMany(ReadContext context, IReadOnlyList<string> keys, string from, IReadOnlyList<CdpEntry> entries, CdpBots bots)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var bySecret = entries.Where(entry => entry.Secret is not null).ToLookup(entry => entry.Secret!, StringComparer.Ordinal);
        var ofAll = entries.Where(entry => entry.Secret is null).ToList();
        foreach (var (key, i) in keys.Select((key, i) => (key, i)))
        {
            List<CdpEntry> own = [.. bySecret[key], .. ofAll];
            var name = keys.Count == 1 ? Variable : $"{Variable}_{i + 1}";
            if (own.Count == 0)
            {
                context.Note($"Key {i + 1} of {from} was left out: no entry of bot_config.json has it as proxySecret, so it reached no bot.");
                continue;
            }
            var tenant = new OldTenant(keys.Count == 1 ? "cdp" : $"key-{i + 1}", from);
            tenant.Keys.Add(new OldOption("secret", context.Secret(name, key), from));
            context.Fleet.Tenants.Add(tenant);
            AddModels(context, tenant, own, bots, keys.Count == 1 ? "" : tenant.Id + "-", taken);
        }
        var known = keys.ToHashSet(StringComparer.Ordinal);
        foreach (var entry in entries.Where(entry => entry.Secret is { } secret && !known.Contains(secret)).Take(ReadContext.MaxNoted))
            context.Note($"{entry.From}: The entry was left out, because its proxySecret is not in PROXY_SECRET, so requests with it were refused.");
        if (context.Fleet.Tenants.Count == 0) context.Report(new Place(entries[0].From, 0), "No entry has a proxySecret that is in PROXY_SECRET.");
    }

    private static void AddKeys(ReadContext context, OldTenant tenant, IReadOnlyList<string> keys, string from)
    {
        foreach (var (key, i) in keys.Select((key, i) => (key, i)))
        {
            var end = keys.Count == 1 ? "" : $"-{i + 1}";
            tenant.Keys.Add(new OldOption("secret" + end, context.Secret(Variable + end.Replace('-', '_'), key), from));
        }
    }

    // A model that is asked for matches an entry if it contains the name there. Longer names come first, so that the closest one wins.
    private static void AddModels(
        ReadContext context, OldTenant tenant, IReadOnlyList<CdpEntry> entries, CdpBots bots, string prefix, HashSet<string> taken)
    {
        var names = entries.SelectMany(entry => entry.Models.Count == 0 ? [""] : entry.Models).Distinct(StringComparer.Ordinal).ToList();
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var served = entries.Where(entry => entry.Models.Contains(name) || (name.Length == 0 && entry.Models.Count == 0)).ToList();
            var behind = served.Select(entry => bots.Id(entry.BotId, entry.ChannelId, entry.From)).Distinct().ToList();
            ids[name] = Names.Model(prefix + (name.Length == 0 ? "coze" : name), taken);
            var isHidden = prefix.Length > 0 || name.Length == 0;
            context.Fleet.Models.Add(new OldModel(ids[name], behind, [tenant.Id], served[0].From) { IsHidden = isHidden });
        }
        var named = names.Where(name => name.Length > 0).ToList();
        foreach (var name in named.Where(name => !ids.ContainsValue(name))) AddAlias(context, tenant, name, ids[name]);
        foreach (var name in named.OrderByDescending(name => name.Length)) AddAlias(context, tenant, $"*{name}*", ids[name]);
        if (ids.TryGetValue("", out var any)) tenant.Aliases.Add(new OldOption("*", FleetValue.Plain(any)));
        tenant.DefaultModel = ids[names[0]];
    }

    private static void AddAlias(ReadContext context, OldTenant tenant, string name, string model)
    {
        if (name.Length > MaxAlias || name.Any(char.IsWhiteSpace))
        {
            var (old, now) = (ReadContext.Printable(name), ReadContext.Printable(model));
            context.Note($"A model's name has at most {MaxAlias} characters and no spaces here: {old} is {now}.");
        }
        // The last place is for the alias of every name.
        else if (tenant.Aliases.Count < MaxAliases - 1)
        {
            tenant.Aliases.Add(new OldOption(name, FleetValue.Plain(model)));
        }
        else
        {
            context.Note($"{tenant.Id} has more than {MaxAliases} aliases; {ReadContext.Printable(name)} was left out.");
        }
    }
}
