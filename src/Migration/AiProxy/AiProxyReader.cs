using System.Globalization;
using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.AiProxy;

/// <summary>Reads <c>c.yaml</c> of aiproxy: keys of language models with their ids, and Coze's bots on Discord and behind its API.</summary>
internal static class AiProxyReader
{
    private const int DefaultPort = 8999;
    private const string Dead = "It belongs to the web page of a provider, which a node does not imitate.";

    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet Read(OldInputs inputs)
    {
        var context = new ReadContext(OldSystem.AiProxy);
        if (inputs.Document is not { } document) throw new MigrationException($"{inputs.Variables.Place}: c.yaml is missing.");
        var config = new Section(context, document);
        var proxy = context.Proxy(config, "proxy_url");
        var tenant = new OldTenant("aiproxy", "the old program asked for no key");
        context.Fleet.Tenants.Add(tenant);
        var options = new List<OldOption>();
        ReadEndpoint(context, config, tenant.Id, options);

        if (config.Map("openai") is { } openai)
        {
            ReadKeys(context, options, openai, "openai", "gpt-5", proxy);
            openai.NoteWithout(Dead, "auth_proxy_url", "cookie_path", "chat_web_url", "image_path", "web_sessions");
            openai.NoteUnknown();
        }
        if (config.Map("google_gemini") is { } gemini)
        {
            ReadKeys(context, options, gemini, "gemini", gemini.Token("model") ?? "gemini-2.5-flash", context.Proxy(gemini, "proxy_url") ?? proxy);
            gemini.NoteWithout("The address and the version are those of Google's API.", "api_host", "api_version");
            gemini.NoteUnknown();
        }
        if (config.Map("claude") is { } claude)
        {
            ReadKeys(context, options, claude, "claude", "claude-sonnet-4-5", context.Proxy(claude, "proxy_url") ?? proxy);
            claude.NoteWithout(Dead, "web_sessions");
            claude.NoteWithout("The node uses the version of the API that it was made for.", "api_version");
            claude.NoteUnknown();
        }
        if (config.Map("coze") is { } coze) AiProxyCoze.Read(context, coze, proxy);
        if (context.Fleet.Models.FirstOrDefault(model => model.Id.StartsWith("coze-", StringComparison.Ordinal)) is { } cozeModel)
            options.Add(new OldOption("coze_model", FleetValue.Plain(cozeModel.Id)));
        config.NoteWithout(Dead, "hars_path", "arkose", "bing");
        config.NoteUnknown();
        if (context.Fleet.Accounts.Count == 0)
            context.Report(document.Place, "There is no API key of a provider, and Coze is not enabled, so there is nothing that a node could use.");
        context.Note("Requests need no key. Other machines are served only with allow_weak_keys: true.", isImportant: true);
        return context.Finish();
    }

    private static void ReadEndpoint(ReadContext context, Section config, string tenant, List<OldOption> options)
    {
        var port = DefaultPort;
        if (config.Text("port") is { } text
            && (!int.TryParse(text.AsSpan(text.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
        {
            config.Report("port", "Expected a port such as :8999.");
        }
        context.Fleet.Endpoints.Add(new OldEndpoint("aiproxy", port, config.From("port"))
        {
            Anonymous = tenant, AnonymousFrom = "the old program asked for no key", Options = options,
        });
        if (config.Map("https_info") is not { } https) return;
        var (certificate, key) = (https.Text("pem_file"), https.Text("key_file"));
        if (https.Flag("enable") == true)
        {
            var keyOption = key is null ? "" : $" --certificate-key {ReadContext.Printable(key)}";
            context.Note($"HTTPS: start the node with --urls \"https://*:{port}\" --certificate {ReadContext.Printable(certificate ?? "")}{keyOption}.");
        }
        https.NoteUnknown();
    }

    // The ids of accounts keep the ids of keys, by which requests choose one (x-auth-id, index).
    private static void ReadKeys(ReadContext context, List<OldOption> options, Section section, string upstream, string model, FleetValue? proxy)
    {
        var accounts = new List<string>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var prefix = upstream.ToUpperInvariant() + "_KEY";
        foreach (var entry in section.Maps("api_keys"))
        {
            var (id, value) = (entry.Text("id"), entry.Token("val"));
            entry.NoteWithout("The version is that of Google's API.", "version");
            entry.NoteUnknown();
            if (value is not null) Add(id ?? $"{accounts.Count + 1}", value, entry.From("val"));
            else if (!entry.Has("val")) entry.Report("val", "The key is missing.");
        }
        // Earlier builds had one key.
        if (section.Token("api_key") is { } single) Add("1", single, section.From("api_key"));
        if (accounts.Count == 0) return;
        context.Fleet.Bots.Add(new OldBot(upstream, upstream, FleetValue.Plain(model), accounts, section.Has("model") ? section.From("model") : ""));
        context.Fleet.Models.Add(new OldModel(model, [upstream], []));
        options.Add(new OldOption($"{upstream}_account", FleetValue.Plain(string.Join(',', accounts))));
        options.Add(new OldOption($"{upstream}_model", FleetValue.Plain(model)));
        if (!section.Has("model"))
            context.Note($"The old configuration names no model of {upstream}; {model} is an example. Add a bot and a model for each that you use.");

        void Add(string id, string value, string from)
        {
            var account = Names.Id(upstream + "-", id, taken);
            accounts.Add(account);
            context.Fleet.Accounts.Add(new OldAccount(account, upstream, context.Secret($"{prefix}_{accounts.Count}", value), from) { Proxy = proxy });
        }
    }
}
