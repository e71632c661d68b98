using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdp;

/// <summary>Reads the configuration of coze-discord-proxy: environment variables and <c>config/bot_config.json</c>.</summary>
internal static class CdpReader
{
    private const string Listener = "listener";
    private const int DefaultPort = 7077;
    private const int DefaultRate = 60;
    private const int MaxRate = 1_000_000;

    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet Read(OldInputs inputs)
    {
        var context = new ReadContext(OldSystem.Cdp);
        var variables = new Section(context, inputs.Variables);
        var entries = inputs.Document is { } document ? CdpEntry.ReadAll(context, document) : [];
        var proxy = context.Proxy(variables, "PROXY_URL");

        ReadListener(context, variables, proxy);
        var accounts = ReadAccounts(context, variables, proxy);
        var bots = new CdpBots(context, variables, accounts, Listener);
        var isOpen = CdpTenants.Read(context, variables, entries, bots);
        ReadEndpoint(context, variables, isOpen);
        ReadTelegram(context, variables);
        NoteOthers(context, variables);
        if (!inputs.IsProcess) variables.NoteUnknown();
        return context.Finish();
    }

    private static void ReadListener(ReadContext context, Section variables, FleetValue? proxy)
    {
        var token = context.Secret("BOT_TOKEN", variables.Token("BOT_TOKEN"));
        var guild = variables.Snowflake("GUILD_ID") is { } id ? FleetValue.Plain(id) : context.Secret("GUILD_ID", null);
        if (token.Text is null) context.Note("BOT_TOKEN, the token of the listener, was not found: set it before the node starts.", isImportant: true);
        if (guild.Text is null) context.Note("GUILD_ID, the server, was not found: set it before the node starts.", isImportant: true);
        context.Fleet.Listeners.Add(new OldListener(Listener, token, guild, variables.From("BOT_TOKEN")) { Proxy = proxy });
    }

    private static List<string> ReadAccounts(ReadContext context, Section variables, FleetValue? proxy)
    {
        var tokens = variables.Tokens("USER_AUTHORIZATION");
        var agent = variables.Text("USER_AGENT");
        var options = new List<OldOption> { new("kind", FleetValue.Plain("user")) };
        if (agent is not null) options.Add(new OldOption("user_agent", FleetValue.Plain(agent), variables.From("USER_AGENT")));
        var from = variables.From("USER_AUTHORIZATION");
        if (tokens.Count == 0)
        {
            context.Note("USER_AUTHORIZATION, the tokens of the accounts that send, was not found: set it before the node starts.", isImportant: true);
            context.Fleet.Accounts.Add(
                new OldAccount("user", "discord", context.Secret("USER_AUTHORIZATION", null), from) { Proxy = proxy, Options = options });
        }
        foreach (var (token, i) in tokens.Select((token, i) => (token, i)))
        {
            var (id, name) = tokens.Count == 1 ? ("user", "USER_AUTHORIZATION") : ($"user-{i + 1}", $"USER_AUTHORIZATION_{i + 1}");
            context.Fleet.Accounts.Add(new OldAccount(id, "discord", context.Secret(name, token), from) { Proxy = proxy, Options = options });
        }
        return [.. context.Fleet.Accounts.Select(account => account.Id)];
    }

    private static void ReadEndpoint(ReadContext context, Section variables, bool isOpen)
    {
        var port = (int?)variables.Number("PORT", 1, 65535) ?? DefaultPort;
        var options = new List<OldOption>();
        var limit = variables.Number("REQUEST_RATE_LIMIT", 0, int.MaxValue) ?? DefaultRate;
        // Who writes 0 wants no limit. An endpoint for requests without a key has none only if a number says so.
        if (limit == 0 && isOpen) limit = MaxRate;
        if (variables.Flag("ONLY_OPENAI_API") == true)
            options.Add(new OldOption("only_openai_api", FleetValue.Plain("true"), variables.From("ONLY_OPENAI_API")));
        context.Fleet.Endpoints.Add(new OldEndpoint("coze-discord-proxy", port, variables.From("PORT"))
        {
            Anonymous = isOpen ? context.Fleet.Tenants[0].Id : null,
            AnonymousFrom = "PROXY_SECRET is not set",
            RequestsPerMinute = limit == 0
                ? null
                : new OldOption("requests_per_minute", FleetValue.Plain($"{Math.Min(limit, MaxRate)}"), variables.From("REQUEST_RATE_LIMIT")),
            Options = options,
        });
    }

    private static void ReadTelegram(ReadContext context, Section variables)
    {
        const string Token = "NOTIFY_TELEGRAM_BOT_TOKEN";
        const string Chat = "NOTIFY_TELEGRAM_USER_ID";
        if (variables.Token(Token) is { } token && variables.Token(Chat) is { } chat)
            context.Fleet.Telegram = new OldTelegram(context.Secret(Token, token), chat, variables.From(Token));
        else if (variables.Has(Token) || variables.Has(Chat))
            context.Note($"Notices on Telegram need both {Token} and {Chat}; only one is set, so there are none.");
    }

    private static void NoteOthers(ReadContext context, Section variables)
    {
        if (variables.Flag("SWAGGER_ENABLE") == false) context.Note("SWAGGER_ENABLE is 0: start the node with --swagger false.");
        if (variables.Flag("DEBUG") == true) context.Note("DEBUG is on: start the node with --log-level debug.");
        variables.NoteWithout("The node deletes channels of its own when the server is full, first those that are not in use.", "MAX_CHANNEL_DEL_TYPE");
        variables.NoteWithout("The length of a prompt is limited by what Discord takes, not by a number of tokens.", "MESSAGE_MAX_TOKEN");
        variables.NoteWithout("It has no counterpart, because nothing needs it.", "GIN_MODE", "UPLOAD_PATH", "USER_ID");
    }
}
