namespace CozeCluster.Silo.Fleets;

/// <summary>What can only be said about the fleet as a whole: ids are unique, references lead somewhere.</summary>
internal static class FleetChecks
{
    public static void Run(FleetReading reading, Declared declared)
    {
        var (tenants, listeners, accounts, bots, models) = declared;
        Unique("tenant", tenants.Select(tenant => (tenant.Definition.Id, tenant.IdAt)));
        Unique("listener", listeners.Select(listener => (listener.Listener.Definition.Id, listener.IdAt)));
        Unique("account", accounts.Select(account => (account.Account.Definition.Id, account.IdAt)));
        Unique("bot", bots.Select(bot => (bot.Definition.Id, bot.IdAt)));
        Unique("model", models.Select(model => (model.Definition.Id, model.IdAt)));
        foreach (var tenant in tenants) Unique("key", tenant.Keys.Select(key => (key.Definition.Name, key.NameAt)));
        UniqueKeys(reading, tenants.SelectMany(tenant => tenant.Keys));
        DiscordSection.Check(declared);

        Lead("account", bots.SelectMany(bot => bot.Accounts), [.. accounts.Select(account => account.Account.Definition.Id)]);
        Lead("listener", bots.SelectMany(bot => bot.Listeners), [.. listeners.Select(listener => listener.Listener.Definition.Id)]);
        Lead("bot", models.SelectMany(model => model.Bots), [.. bots.Select(bot => bot.Definition.Id)]);
        Lead("tenant", models.SelectMany(model => model.Tenants), [.. tenants.Select(tenant => tenant.Definition.Id)]);
        SameUpstream(bots, accounts);
    }

    private static void Unique(string what, IEnumerable<(string Id, Field At)> declared)
    {
        var seen = new Dictionary<string, Field>(StringComparer.Ordinal);
        foreach (var (id, at) in declared)
        {
            if (id.Length == 0 || seen.TryAdd(id, at)) continue;
            at.Report($"There is another {what} '{at.Written}' in line {seen[id].Place.Line}.");
        }
    }

    private static void UniqueKeys(FleetReading reading, IEnumerable<DeclaredKey> keys)
    {
        var seen = new Dictionary<string, DeclaredKey>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (key.Definition.Hash.Length == 0 || seen.TryAdd(key.Definition.Hash, key)) continue;
            reading.Report(key.SecretAt, $"This is the same API key as the one in line {seen[key.Definition.Hash].SecretAt.Line}; every key opens one tenant.");
        }
    }

    private static void Lead(string what, IEnumerable<Reference> references, HashSet<string> declared)
    {
        foreach (var (id, at) in references)
        {
            if (!declared.Contains(id)) at.Report($"There is no {what} '{at.Written}'.{Suggestion.For(id, declared)}");
        }
    }

    private static void SameUpstream(IReadOnlyList<DeclaredBot> bots, IReadOnlyList<DeclaredAccount> accounts)
    {
        var upstreams = accounts.ToLookup(account => account.Account.Definition.Id, account => account.Account.Definition.Upstream);
        foreach (var bot in bots.Where(bot => bot.Definition.Upstream.Length > 0))
        {
            foreach (var (id, at) in bot.Accounts)
            {
                if (upstreams[id].FirstOrDefault() is not { Length: > 0 } upstream || upstream == bot.Definition.Upstream) continue;
                at.Report($"This account is one at '{upstream}', but the bot is one at '{bot.Definition.Upstream}'.");
            }
        }
    }
}
