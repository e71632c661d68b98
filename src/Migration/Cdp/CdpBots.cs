using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdp;

/// <summary>Makes the bots of a coze-discord-proxy, each once.</summary>
internal sealed class CdpBots
{
    // What the old program did by itself: it waited this long for a part of a reply.
    private const long DefaultTimeout = 300;
    private const long DefaultTotal = 900;
    private const long MaxTimeout = 86400;
    private const long MaxDeleteAfter = 7 * 86400;
    private const string KeepActiveTime = "09:10";

    private readonly ReadContext _context;
    private readonly IReadOnlyList<string> _accounts;
    private readonly string _listener;
    private readonly string? _defaultChannel;
    private readonly bool _usesDefaultChannel;
    private readonly string _channelFrom;
    private readonly OldOption _history;
    private readonly OldOption _deleteAfter;
    private readonly IReadOnlyList<OldOption> _timeouts;
    private readonly IReadOnlyList<OldOption> _keepActive;
    private readonly Dictionary<(string, string?), string> _ids = [];
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    public CdpBots(ReadContext context, Section variables, IReadOnlyList<string> accounts, string listener)
    {
        (_context, _accounts, _listener) = (context, accounts, listener);
        _usesDefaultChannel = variables.Flag("DEFAULT_CHANNEL_ENABLE") == true;
        _defaultChannel = variables.Snowflake("CHANNEL_ID");
        _channelFrom = variables.From(_usesDefaultChannel ? "DEFAULT_CHANNEL_ENABLE" : "CHANNEL_ID");
        if (_defaultChannel is not null && !_usesDefaultChannel) context.Note("CHANNEL_ID was left out: it has no effect unless DEFAULT_CHANNEL_ENABLE is 1.");
        var isWhole = variables.Flag("ALL_DIALOG_RECORD_ENABLE") ?? true;
        _history = new OldOption("history", FleetValue.Plain(isWhole ? "json" : "last"), variables.From("ALL_DIALOG_RECORD_ENABLE"));
        _deleteAfter = ReadDeleteAfter(variables);
        _timeouts = ReadTimeouts(variables);
        _keepActive = ReadKeepActive(variables);
    }

    /// <summary>The id of a bot in the fleet. The same bot in another channel is another bot.</summary>
    public string Id(string botId, string? channelId, string from)
    {
        var channel = _usesDefaultChannel ? channelId ?? _defaultChannel : null;
        if (_ids.TryGetValue((botId, channel), out var known)) return known;
        if (_usesDefaultChannel && channel is null) _context.Note($"{from}: There is no default channel for this bot, so it uses channels of its own.");
        var id = _ids[(botId, channel)] = Names.Id("bot-", botId, _taken);
        List<OldOption> options = [new("listener", FleetValue.Plain(_listener))];
        if (channel is not null)
        {
            options.Add(new OldOption("channel", FleetValue.Plain("fixed"), _channelFrom));
            options.Add(new OldOption("channel_id", FleetValue.Plain(channel)));
        }
        else
        {
            options.Add(new OldOption("name", FleetValue.Plain("cdp-chat")));
            options.Add(_deleteAfter);
        }
        options.Add(_history);
        _context.Fleet.Bots.Add(
            new OldBot(id, "discord", FleetValue.Plain(botId), _accounts, from) { Timeouts = _timeouts, KeepActive = _keepActive, Options = options });
        return id;
    }

    /// <summary>The bot of a variable that nobody has set.</summary>
    public string Missing(string variable)
    {
        _context.Fleet.Bots.Add(new OldBot("bot", "discord", _context.Secret(variable, null), _accounts, variable)
        {
            Timeouts = _timeouts, KeepActive = _keepActive,
            Options = [new("listener", FleetValue.Plain(_listener)), new("name", FleetValue.Plain("cdp-chat")), _deleteAfter, _history],
        });
        return "bot";
    }

    private static OldOption ReadDeleteAfter(Section variables)
    {
        var from = variables.From("CHANNEL_AUTO_DEL_TIME");
        return variables.Number("CHANNEL_AUTO_DEL_TIME", 0, int.MaxValue) switch
        {
            0 => new OldOption("delete_after", FleetValue.Plain("never"), from),
            var seconds => new OldOption("delete_after", Durations.Seconds(seconds ?? 5, 1, MaxDeleteAfter), from),
        };
    }

    private static List<OldOption> ReadTimeouts(Section variables)
    {
        var (stream, whole) = ("STREAM_REQUEST_OUT_TIME", "REQUEST_OUT_TIME");
        var wait = Math.Clamp(variables.Number(stream, 1, int.MaxValue) ?? DefaultTimeout, 1, MaxTimeout);
        var total = Math.Max(variables.Number(whole, 1, int.MaxValue) ?? DefaultTotal, wait);
        return
        [
            new OldOption("first_byte", Durations.Seconds(wait, 1, MaxTimeout), variables.From(stream)),
            new OldOption("idle", Durations.Seconds(wait, 1, MaxTimeout), variables.From(stream)),
            new OldOption("total", Durations.Seconds(total, 1, MaxTimeout), variables.From(whole)),
        ];
    }

    private List<OldOption> ReadKeepActive(Section variables)
    {
        var zone = variables.Text("TZ");
        if (variables.Flag("COZE_BOT_STAY_ACTIVE_ENABLE") == false) return [];
        List<OldOption> options = [new("at", FleetValue.Plain(KeepActiveTime), variables.From("COZE_BOT_STAY_ACTIVE_ENABLE"))];
        if (zone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _)) options.Add(new OldOption("time_zone", FleetValue.Plain(zone), "TZ"));
        else if (zone is not null) _context.Note("TZ is no time zone that this machine knows, so bots are kept active at 09:10 UTC.");
        return options;
    }
}
