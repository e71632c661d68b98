namespace CozeCluster.Silo.Fleets;

/// <summary>The options that the endpoints of each mode have.</summary>
internal static class EndpointOptions
{
    private static readonly string[] Providers = [UpstreamNames.OpenAi, UpstreamNames.Claude, UpstreamNames.Gemini];
    private static readonly string[] AiProxyModels = ["openai_model", "claude_model", "gemini_model", "coze_model"];

    /// <summary>Reports options that the mode does not have, and references to something that the fleet does not have.</summary>
    public static void Check(Declared declared)
    {
        foreach (var endpoint in declared.Endpoints)
        {
            var known = endpoint.Definition.Compat switch
            {
                CompatMode.AiProxy => [.. AiProxyModels, .. Providers.Select(AccountOption), "own_keys", "tenants"],
                _ => (string[]?)null,
            };
            foreach (var (name, at) in endpoint.Options)
            {
                if (known is not null && !known.Contains(name)) at.Report($"Unknown option '{name}'.{Suggestion.For(name, known)}");
            }
            if (endpoint.Definition.Compat == CompatMode.AiProxy) CheckAiProxy(declared, endpoint);
        }
    }

    private static string AccountOption(string provider) => $"{provider}_account";

    private static void CheckAiProxy(Declared declared, DeclaredEndpoint endpoint)
    {
        var models = declared.Models.Select(model => model.Definition.Id)
            .Concat(declared.Tenants.SelectMany(tenant => tenant.ModelNames.Aliases).Select(alias => alias.Alias.Name)).ToHashSet();
        foreach (var name in AiProxyModels) CheckNames(endpoint, name, "model or alias", models);
        CheckNames(endpoint, "tenants", "tenant", [.. declared.Tenants.Select(tenant => tenant.Definition.Id)]);
        var passes = false;
        foreach (var provider in Providers)
        {
            passes |= endpoint.Definition.Options.ContainsKey(AccountOption(provider));
            var accounts = from account in declared.Accounts
                           where account.Account.Definition.Upstream == provider
                           select account.Account.Definition.Id;
            CheckNames(endpoint, AccountOption(provider), $"account of the upstream '{provider}'", [.. accounts]);
        }
        var ownKeys = endpoint.Options.FirstOrDefault(option => option.Name == "own_keys");
        if (ownKeys.At?.Text() is { } flag)
        {
            if (flag is not ("true" or "false")) ownKeys.At.Report("Expected true or false.");
            passes |= flag == "true";
        }
        if (passes && endpoint.Definition.Anonymous is null && !endpoint.Definition.Options.ContainsKey("tenants"))
        {
            endpoint.IdAt.Report(
                "This endpoint passes requests to providers. Say in its option 'tenants' whose requests, or with 'anonymous' that those of one tenant need no "
                + "key.");
        }
    }

    /// <summary>Checks an option that names one thing, or several with commas between them.</summary>
    private static void CheckNames(DeclaredEndpoint endpoint, string option, string what, HashSet<string> declared)
    {
        if (!endpoint.Definition.Options.TryGetValue(option, out var value)) return;
        var at = endpoint.Options.First(given => given.Name == option).At;
        var names = option.EndsWith("_model", StringComparison.Ordinal) ? [value] : value.Split(',', StringSplitOptions.TrimEntries);
        foreach (var name in names.Where(name => !declared.Contains(name))) at.Report($"There is no {what} '{name}'.{Suggestion.For(name, declared)}");
    }
}
