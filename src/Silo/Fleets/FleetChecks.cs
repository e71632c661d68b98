namespace CozeCluster.Silo.Fleets;

/// <summary>The checks that need the whole fleet: ids are unique, and references refer to something that the file declares.</summary>
internal static class FleetChecks
{
    private const int MaxNames = 5;

    /// <summary>Checks that nothing is declared twice.</summary>
    public static void CheckUnique(FleetReadContext context, Declared declared)
    {
        var (tenants, listeners, accounts, bots, models) = declared;
        CheckUnique("tenant", tenants.Select(tenant => (tenant.Definition.Id, tenant.IdAt)));
        CheckUnique("listener", listeners.Select(listener => (listener.Listener.Definition.Id, listener.IdAt)));
        CheckUnique("account", accounts.Select(account => (account.Account.Definition.Id, account.IdAt)));
        CheckUnique("bot", bots.Select(bot => (bot.Definition.Id, bot.IdAt)));
        CheckUnique("model", models.Select(model => (model.Definition.Id, model.IdAt)));
        foreach (var tenant in tenants) CheckUnique("key", tenant.Keys.Select(key => (key.Definition.Name, key.NameAt)));
        CheckUniqueSecrets(context, tenants.SelectMany(tenant => tenant.Keys));
        CheckUnique("endpoint", declared.Endpoints.Select(endpoint => (endpoint.Definition.Id, endpoint.IdAt)));
    }

    /// <summary>Checks the references.</summary>
    public static void Run(Declared declared)
    {
        var (tenants, listeners, accounts, bots, models) = declared;
        DiscordSection.Check(declared);
        CheckReferences("account", bots.SelectMany(bot => bot.Accounts), [.. accounts.Select(account => account.Account.Definition.Id)]);
        CheckReferences("listener", bots.SelectMany(bot => bot.Listeners), [.. listeners.Select(listener => listener.Listener.Definition.Id)]);
        CheckReferences("bot", models.SelectMany(model => model.Bots), [.. bots.Select(bot => bot.Definition.Id)]);
        CheckReferences("tenant", models.SelectMany(model => model.Tenants), [.. tenants.Select(tenant => tenant.Definition.Id)]);
        CheckReferences(
            "tenant",
            declared.Endpoints.Where(endpoint => endpoint.Definition.Anonymous is not null)
                .Select(endpoint => new Reference(endpoint.Definition.Anonymous!, endpoint.AnonymousAt)),
            [.. tenants.Select(tenant => tenant.Definition.Id)]);
        AiProxyReferences.Check(declared);
        // A message must not suggest the models of other tenants.
        foreach (var tenant in tenants.Where(tenant => tenant.Keys.Any(key => key.Models.Count > 0)))
        {
            CheckReferences(
                "model", tenant.Keys.SelectMany(key => key.Models),
                [.. models.Where(model => model.Definition.IsOfferedTo(tenant.Definition.Id)).Select(model => model.Definition.Id)]);
        }
        CheckUpstreams(bots, accounts);
        CheckCredentials(declared);
        foreach (var tenant in tenants) CheckModelNames(tenant, models);
    }

    /// <summary>What operators should know about the names of a fleet.</summary>
    public static IReadOnlyList<string> Warnings(Declared declared)
    {
        IEnumerable<(string What, string Name)> names =
        [
            .. declared.Models.Select(model => ("model", model.Definition.Id)),
            .. declared.Tenants.SelectMany(tenant => tenant.Keys).Select(key => ("key", key.Definition.Name)),
            .. declared.Tenants.SelectMany(tenant => tenant.ModelNames.Aliases).Select(alias => ("alias", alias.Alias.Name)),
        ];
        List<string> found = [.. names.Where(one => DotSegments.AreIn(one.Name)).Select(one => $"{one.What} '{one.Name}'")];
        if (found.Count == 0) return [];
        var more = found.Count > MaxNames ? $" and {found.Count - MaxNames} more" : "";
        return [$"Names that cannot be in the path of a request: {string.Join(", ", found.Take(MaxNames))}{more}. A name {DotSegments.Refusal}"];
    }

    private static void CheckModelNames(DeclaredTenant tenant, IReadOnlyList<DeclaredModel> models)
    {
        var (aliases, defaultModel) = tenant.ModelNames;
        if (aliases.Count == 0 && defaultModel is null) return;
        var offered = models.Where(model => model.Definition.IsOfferedTo(tenant.Definition.Id)).Select(model => model.Definition.Id).ToHashSet();
        var targets = aliases.Where(alias => alias.Alias.Model.Length > 0).Select(alias => new Reference(alias.Alias.Model, alias.At));
        CheckReferences("model for this tenant", targets, offered);
        foreach (var (alias, at) in aliases)
        {
            if (alias.Name.Length is 0 or > 100 || alias.Name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
                at.Report("An alias is 1 to 100 characters without spaces; each * in it matches any text.");
            else if (offered.Contains(alias.Name)) at.Report("This tenant has a model of that name. Rename the model, or remove the alias.");
        }
        if (defaultModel is null) return;
        var names = aliases.Select(alias => alias.Alias.Name).Concat(offered).ToHashSet();
        if (names.Contains(defaultModel.Id)) return;
        defaultModel.At.Report($"There is no model or alias '{defaultModel.At.Written}' for this tenant.{Suggestion.For(defaultModel.Id, names)}");
    }

    private static void CheckUnique(string what, IEnumerable<(string Id, FleetField At)> declared)
    {
        var seen = new Dictionary<string, FleetField>(StringComparer.Ordinal);
        foreach (var (id, at) in declared)
        {
            if (id.Length == 0 || seen.TryAdd(id, at)) continue;
            at.Report($"There is another {what} '{at.Written}' in {seen[id].Place.Where}.");
        }
    }

    private static void CheckUniqueSecrets(FleetReadContext context, IEnumerable<DeclaredKey> keys)
    {
        var seen = new Dictionary<string, DeclaredKey>(StringComparer.Ordinal);
        foreach (var (hash, key) in keys.SelectMany(key => Hashes(key.Definition).Select(hash => (hash, key))))
        {
            if (hash.Length == 0 || seen.TryAdd(hash, key)) continue;
            context.Report(key.SecretAt, $"This is the same API key as in {seen[hash].SecretAt.Where}. Every tenant needs API keys of its own.");
        }
    }

    private static IEnumerable<string> Hashes(ApiKeyDefinition key) => key.Previous is { } previous ? [key.Hash, previous.Hash] : [key.Hash];

    private static void CheckReferences(string what, IEnumerable<Reference> references, HashSet<string> declared)
    {
        foreach (var (id, at) in references)
        {
            if (!declared.Contains(id)) at.Report($"There is no {what} '{at.Written}'.{Suggestion.For(id, declared)}");
        }
    }

    private static void CheckUpstreams(IReadOnlyList<DeclaredBot> bots, IReadOnlyList<DeclaredAccount> accounts)
    {
        var upstreams = accounts.ToLookup(account => account.Account.Definition.Id, account => account.Account.Definition.Upstream);
        foreach (var bot in bots.Where(bot => bot.Definition.Upstream.Length > 0))
        {
            foreach (var (id, at) in bot.Accounts)
            {
                if (upstreams[id].FirstOrDefault() is not { Length: > 0 } upstream || upstream == bot.Definition.Upstream) continue;
                at.Report($"This account is for the upstream '{upstream}', but the bot is for '{bot.Definition.Upstream}'.");
            }
        }
    }

    /// <summary>A client names the upstream of its credential. So the accounts of a model that take it must be at one server.</summary>
    private static void CheckCredentials(Declared declared)
    {
        var taking = declared.Accounts.Where(account => account.Account.Definition.CredentialFromRequest)
            .ToLookup(account => account.Account.Definition.Id, account => account.Account.Definition);
        var bots = declared.Bots.ToLookup(bot => bot.Definition.Id);
        foreach (var model in declared.Models)
        {
            var accounts = model.Definition.Bots.Concat(model.Definition.Fallback).SelectMany(bot => bots[bot])
                .SelectMany(bot => bot.Definition.Accounts).SelectMany(id => taking[id]);
            foreach (var upstream in accounts.GroupBy(account => account.Upstream))
            {
                if (upstream.Select(account => account.BaseUrl).Distinct(StringComparer.Ordinal).Skip(1).Any())
                {
                    model.IdAt.Report(
                        $"The accounts of this model that take credentials of requests for '{upstream.Key}' have different base URLs. "
                        + "A client's credential would be sent to servers that it is not for. Use a model for each server.");
                }
            }
        }
    }
}
