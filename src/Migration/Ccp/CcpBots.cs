using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Ccp;

/// <summary>Makes listeners, accounts, bots and models from the entries of <c>bot.json</c>. A token is a listener and an account at the same time.</summary>
internal sealed class CcpBots(ReadContext context)
{
    /// <summary>What an operator adds so that bots of Coze answer.</summary>
    public const string HowToSend =
        "Coze's bots have not answered other bots since February 2024, so these accounts cannot get replies. Add an account of a person to 'accounts' "
        + "({ id: person, upstream: discord, token: \"${PERSON_TOKEN}\", options: { kind: user } }), name it in 'accounts' of each bot in place of "
        + "the others, and write 'allow_user_accounts: true' at the top; docs/discord.md says what that risks. Better: publish the bot to Coze's API, and "
        + "use an account with 'upstream: coze' and a Coze token.";

    private readonly Dictionary<string, (string Listener, string Account, string Guild)> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Bot, string Channel, string Account), string> _bots = [];
    private readonly Dictionary<string, List<string>> _models = new(StringComparer.Ordinal);
    private readonly List<(string Name, string From)> _names = [];
    private readonly HashSet<string> _takenBots = new(StringComparer.Ordinal);

    public void Add(Section entry)
    {
        var model = Required(entry, "model", entry.Text("model"));
        var token = Required(entry, "bot_token", entry.Token("bot_token"));
        var botId = Required(entry, "coze_bot_id", entry.Snowflake("coze_bot_id"));
        // The template of the old system has the misspelt name.
        var guildKey = !entry.Has("guild_id") && entry.Has("guid_id") ? "guid_id" : "guild_id";
        var guild = Required(entry, guildKey, entry.Snowflake(guildKey));
        var channel = Required(entry, "channel_id", entry.Snowflake("channel_id"));
        entry.NoteUnknown();
        if (model is null || token is null || botId is null || guild is null || channel is null) return;
        var bot = Bot(entry, Token(entry, token, guild), botId, channel);
        if (!_models.TryGetValue(model, out var behind))
        {
            _models[model] = behind = [];
            _names.Add((model, entry.Place.ToString()));
        }
        if (!behind.Contains(bot)) behind.Add(bot);
    }

    public void Finish()
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, from) in _names)
        {
            var id = Names.Model(name, taken);
            if (id != name) context.Note($"{from}: A model's name has no spaces here, so this one is {ReadContext.Printable(id)}.");
            context.Fleet.Models.Add(new OldModel(id, _models[name], [], from));
        }
        context.Note(HowToSend, isImportant: true);
    }

    private (string Listener, string Account) Token(Section entry, string token, string guild)
    {
        if (_tokens.TryGetValue(token, out var known))
        {
            if (known.Guild != guild)
                context.Note($"{entry.Place}: The token is used in two servers. A listener works in one, that of its first entry.", isImportant: true);
            return (known.Listener, known.Account);
        }
        var n = _tokens.Count + 1;
        var secret = context.Secret($"BOT_TOKEN_{n}", token);
        var from = entry.From("bot_token");
        context.Fleet.Listeners.Add(new OldListener($"listener-{n}", secret, FleetValue.Plain(guild), from));
        context.Fleet.Accounts.Add(new OldAccount($"bot-account-{n}", "discord", secret, from) { Options = [new("kind", FleetValue.Plain("bot"))] });
        _tokens[token] = ($"listener-{n}", $"bot-account-{n}", guild);
        return ($"listener-{n}", $"bot-account-{n}");
    }

    private string Bot(Section entry, (string Listener, string Account) sender, string botId, string channel)
    {
        if (_bots.TryGetValue((botId, channel, sender.Account), out var known)) return known;
        var id = _bots[(botId, channel, sender.Account)] = Names.Id("bot-", botId, _takenBots);
        context.Fleet.Bots.Add(new OldBot(id, "discord", FleetValue.Plain(botId), [sender.Account], entry.Place.ToString())
        {
            Timeouts = [new("first_byte", FleetValue.Plain("3m")), new("idle", FleetValue.Plain("90s"))],
            Options =
            [
                new("listener", FleetValue.Plain(sender.Listener)),
                new("channel", FleetValue.Plain("fixed")),
                new("channel_id", FleetValue.Plain(channel), entry.From("channel_id")),
                new("history", FleetValue.Plain("transcript")),
            ],
        });
        return id;
    }

    private static string? Required(Section entry, string key, string? value)
    {
        if (!entry.Has(key)) entry.Report(key, "The value is missing.");
        return value;
    }
}
