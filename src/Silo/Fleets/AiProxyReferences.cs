namespace CozeCluster.Silo.Fleets;

/// <summary>The options of endpoints of the mode <c>aiproxy</c> that name other things of the fleet.</summary>
internal static class AiProxyReferences
{
    /// <summary>The option that lets clients send their own keys of providers. Such an endpoint needs the option 'tenants', or 'anonymous'.</summary>
    public const string OwnKeys = "own_keys";

    private const string Tenants = "tenants";

    private static readonly string[] Providers = [UpstreamNames.OpenAi, UpstreamNames.Claude, UpstreamNames.Gemini];
    private static readonly string[] Models = ["openai_model", "claude_model", "gemini_model", "coze_model"];

    /// <summary>The names of the options.</summary>
    public static IEnumerable<string> Options => [.. Models, .. Providers.Select(AccountOption), Tenants];

    /// <summary>Reports references to something that the fleet does not have, and endpoints that do not say whose requests they pass to providers.</summary>
    public static void Check(Declared declared)
    {
        foreach (var endpoint in declared.Endpoints.Where(endpoint => endpoint.Definition.Compat == CompatMode.AiProxy)) Check(declared, endpoint);
    }

    private static void Check(Declared declared, DeclaredEndpoint endpoint)
    {
        var models = declared.Models.Select(model => model.Definition.Id)
            .Concat(declared.Tenants.SelectMany(tenant => tenant.ModelNames.Aliases).Select(alias => alias.Alias.Name)).ToHashSet();
        foreach (var option in Models) CheckNames(endpoint, option, isList: false, "model or alias", models);
        CheckNames(endpoint, Tenants, isList: true, "tenant", [.. declared.Tenants.Select(tenant => tenant.Definition.Id)]);
        foreach (var provider in Providers)
        {
            var accounts = from account in declared.Accounts
                           where account.Account.Definition.Upstream == provider
                           select account.Account.Definition.Id;
            CheckNames(endpoint, AccountOption(provider), isList: true, $"account of the upstream '{provider}'", [.. accounts]);
        }
        var (options, anonymous) = (endpoint.Definition.Options, endpoint.Definition.Anonymous);
        var passes = options.GetValueOrDefault(OwnKeys) == "true" || Providers.Any(provider => options.ContainsKey(AccountOption(provider)));
        if (passes && anonymous is null && !options.ContainsKey(Tenants))
        {
            endpoint.IdAt.Report(
                "This endpoint passes requests to providers. Say in its option 'tenants' whose requests, or with 'anonymous' that those of one tenant need no "
                + "key.");
        }
    }

    private static string AccountOption(string provider) => $"{provider}_account";

    private static void CheckNames(DeclaredEndpoint endpoint, string option, bool isList, string what, HashSet<string> declared)
    {
        if (!endpoint.Definition.Options.TryGetValue(option, out var value)) return;
        var at = endpoint.Options.First(given => given.Name == option).At;
        var names = isList ? value.Split(',', StringSplitOptions.TrimEntries) : [value];
        foreach (var name in names.Where(name => !declared.Contains(name))) at.Report($"There is no {what} '{name}'.{Suggestion.For(name, declared)}");
    }
}
