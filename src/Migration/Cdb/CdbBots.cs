using CozeCluster.Migration.Ccp;
using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdb;

/// <summary>Makes a tenant, a listener, accounts, a bot and a model from each bot of a Bridge: there, the key chose the bot.</summary>
internal sealed class CdbBots
{
    private const string AnyModel = "gpt-3.5-turbo-0301";
    private const string Discord = "discord";

    private readonly ReadContext _context;
    private readonly FleetValue? _proxy;
    private readonly IReadOnlyList<OldOption> _keepActive;
    private readonly List<OldOption> _options = [];
    private readonly Dictionary<string, string> _listeners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _accounts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _takenIds = new(StringComparer.Ordinal);
    private readonly HashSet<string> _takenKeys = new(StringComparer.Ordinal);
    private bool _hasNotedBots;
    private bool _hasNotedListener;

    public CdbBots(ReadContext context, Section config)
    {
        _context = context;
        _proxy = ReadProxy(context, config);
        _keepActive = ReadKeepActive(context, config);
        var mode = config.Number("OpenAPI_Chat_Default_Models2Conversation", 0, 3) ?? 0;
        _options.Add(new OldOption(
            "history", FleetValue.Plain(mode is 0 or 2 ? "last" : "transcript"), config.From("OpenAPI_Chat_Default_Models2Conversation")));
        var rejects = config.Flag("Disable_2000Limit_Unlock") == true;
        _options.Add(new OldOption("long", FleetValue.Plain(rejects ? "reject" : "file"), config.From("Disable_2000Limit_Unlock")));
        if (config.Flag("Disable_CozeBot_ReplyMsgCheck") == true)
            _options.Add(new OldOption("recognise", FleetValue.Plain("channel"), config.From("Disable_CozeBot_ReplyMsgCheck")));
        if (config.Number("generate_timeout", 1, int.MaxValue) is { } wait)
        {
            _options.Add(new OldOption(
                "end.cold_wait", FleetValue.Plain($"{Math.Clamp(wait, 100, 600_000)}ms"), config.From("generate_timeout")));
        }
    }

    /// <summary>The tenant of the bot without a key; null: there is none.</summary>
    public string? Anonymous { get; private set; }

    /// <param name="section">Where the bot is.</param>
    /// <param name="key">The key of its API key.</param>
    /// <param name="tokens">The keys of its tokens.</param>
    /// <param name="server">The key of its server.</param>
    /// <param name="bot">The key of the bot that Coze hosts.</param>
    /// <param name="category">The key of the category for channels; empty: there is none.</param>
    public void Add(Section section, string key, IReadOnlyList<string> tokens, string server, string bot, string category)
    {
        var (apiKey, guild, botId) = (section.Token(key), section.Snowflake(server), section.Snowflake(bot));
        var protocol = section.Text("Protocol");
        if (protocol is not null && !string.Equals(protocol, Discord, StringComparison.OrdinalIgnoreCase))
            section.Report("Protocol", "Only bots on Discord can be migrated.");
        if (!section.Has(server)) section.Report(server, "The id of the server is missing.");
        if (!section.Has(bot)) section.Report(bot, "The id of the bot is missing.");
        var tokenKey = tokens.FirstOrDefault(section.Has) ?? tokens[0];
        var values = section.Tokens(tokenKey);
        var categoryId = category.Length > 0 && section.Text(category) is not "0" ? section.Snowflake(category) : null;
        // Where one token has two names, the section is a bot and nothing else.
        if (tokens.Count > 1) section.NoteUnknown();
        if (guild is null || botId is null) return;

        var isBot = tokenKey == "Discord_Bot_Token";
        var listener = Listener(isBot && values.Count > 0 ? values[0] : null, guild, section.From(tokenKey));
        var accounts = Accounts(values, isBot, section.From(tokenKey));
        var categoryOption = categoryId is null ? null : new OldOption("category_id", FleetValue.Plain(categoryId), section.From(category));
        AddBot(section, apiKey, botId, listener, accounts, categoryOption);
    }

    private void AddBot(Section section, string? apiKey, string botId, string listener, IReadOnlyList<string> accounts, OldOption? category)
    {
        var isOpen = apiKey is null or "default";
        if (isOpen && Anonymous is not null) section.Report("Key", "Another bot has no key already. Give each bot a key of its own.");
        if (!isOpen && !_takenKeys.Add(apiKey!)) section.Report("Key", "Another bot has the same key. Give each bot a key of its own.");
        var n = _context.Fleet.Bots.Count + 1;
        var tenant = new OldTenant(isOpen ? "default" : $"key-{n}", section.Place.ToString());
        if (isOpen) Anonymous = tenant.Id;
        else tenant.Keys.Add(new OldOption("key", _context.Secret($"BRIDGE_KEY_{n}", apiKey), section.From("Key")));
        var id = Names.Id("bot-", botId, _takenIds);
        var model = $"{tenant.Id}-bot";
        tenant.DefaultModel = model;
        tenant.Aliases.Add(new OldOption(AnyModel, FleetValue.Plain(model), "the name in the old list of models"));
        tenant.Aliases.Add(new OldOption("*", FleetValue.Plain(model), "any model name reaches the bot"));
        List<OldOption> options =
        [
            new("listener", FleetValue.Plain(listener)), new("name", FleetValue.Plain("bridge")), new("keep_for", FleetValue.Plain("365d")), .. _options,
        ];
        if (category is not null) options.Add(category);
        _context.Fleet.Tenants.Add(tenant);
        _context.Fleet.Models.Add(new OldModel(model, [id], [tenant.Id]) { IsHidden = true });
        _context.Fleet.Bots.Add(
            new OldBot(id, Discord, FleetValue.Plain(botId), accounts, section.Place.ToString()) { KeepActive = _keepActive, Options = options });
    }

    private string Listener(string? token, string guild, string from)
    {
        var name = token ?? "guild " + guild;
        if (_listeners.TryGetValue(name, out var known)) return known;
        var id = _listeners[name] = $"listener-{_listeners.Count + 1}";
        var value = _context.Secret($"{(token is null ? "LISTENER" : "DISCORD_BOT")}_TOKEN_{_listeners.Count}", token);
        _context.Fleet.Listeners.Add(new OldListener(id, value, FleetValue.Plain(guild), token is null ? "" : from) { Proxy = _proxy });
        if (token is null && !_hasNotedListener)
        {
            _hasNotedListener = true;
            _context.Note(
                "Later builds of the Bridge asked Discord for replies with the account of a person. A node receives them with a listener, a Discord bot of "
                + $"yours: make one (docs/discord.md), invite it to the server, and set {value}.",
                isImportant: true);
        }
        return id;
    }

    private List<string> Accounts(IReadOnlyList<string> tokens, bool isBot, string from)
    {
        if (isBot && !_hasNotedBots)
        {
            _hasNotedBots = true;
            _context.Note(CcpBots.HowToSend, isImportant: true);
        }
        if (tokens.Count == 0)
        {
            _context.Note($"{from}: There is no token. Set USER_TOKEN before the node starts.", isImportant: true);
            return [Account(null, isBot, from)];
        }
        return [.. tokens.Select(token => Account(token, isBot, from))];
    }

    private string Account(string? token, bool isBot, string from)
    {
        if (_accounts.TryGetValue(token ?? "", out var known)) return known;
        // The same token may be a listener's already, under this name.
        var name = token is null ? "USER_TOKEN" : isBot ? $"DISCORD_BOT_TOKEN_{_listeners.Count}" : $"USER_TOKEN_{_accounts.Count + 1}";
        var secret = _context.Secret(name, token);
        var id = _accounts[token ?? ""] = $"{(isBot ? "bot-account" : "user")}-{_accounts.Count + 1}";
        _context.Fleet.Accounts.Add(
            new OldAccount(id, Discord, secret, from) { Proxy = _proxy, Options = [new("kind", FleetValue.Plain(isBot ? "bot" : "user"))] });
        return id;
    }

    private static FleetValue? ReadProxy(ReadContext context, Section config)
    {
        var host = config.Token("ProxyIP") ?? "127.0.0.1";
        var port = config.Number("ProxyPort", 1, 65535) ?? 8080;
        var type = config.Text("ProxyType")?.ToLowerInvariant() ?? "http";
        if (config.Flag("UsingProxy") != true) return null;
        if (type is not ("http" or "socks")) config.Report("ProxyType", "Expected HTTP or SOCKS.");
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown) config.Report("ProxyIP", "Expected an address or a host name.");
        context.Note("The proxy is used for Discord's REST API and for its gateway.");
        return FleetValue.Plain($"{(type == "socks" ? "socks5" : "http")}://{host}:{port}");
    }

    private static IReadOnlyList<OldOption> ReadKeepActive(ReadContext context, Section config)
    {
        var timer = config.Number("Keepalive_timer", 0, int.MaxValue) ?? 0;
        var minutes = config.Number("Keepalive_maxIntervalMinutes", 0, int.MaxValue) ?? 720;
        var text = config.Text("Keepalive_sendMessage") ?? "keepalive";
        if (timer == 0) return [];
        if (minutes is < 10 or > 43200) context.Note("Keepalive_maxIntervalMinutes: a node keeps bots active every 10 minutes to 30 days.");
        return
        [
            new OldOption("every", Durations.Seconds(minutes * 60, 600, 30 * 86400), config.From("Keepalive_maxIntervalMinutes")),
            new OldOption("text", FleetValue.Plain(text[..Math.Min(text.Length, 1000)]), config.From("Keepalive_sendMessage")),
        ];
    }
}
