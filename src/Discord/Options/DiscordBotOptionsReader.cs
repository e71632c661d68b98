namespace CozeCluster.Discord;

/// <summary>Reads <see cref="DiscordBotOptions"/> and collects all errors.</summary>
internal sealed class DiscordBotOptionsReader(IReadOnlyDictionary<string, string> options)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static readonly string[] Names =
    [
        "listener", "channel", "channel_id", "category_id", "category", "name", "delete_after", "keep_for", "history", "long", "recognise",
        "end.first_wait", "end.cold_wait", "end.min_wait", "end.max_wait", "daily_reset", "tokens", BotAccounts.AnswersBots,
    ];

    private readonly OptionValues _values = new(options);

    public bool Read(out DiscordBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        _values.AllowOnly(Names, "Discord bots");
        var defaults = new DiscordBotOptions();
        parsed = defaults with
        {
            Listener = _values.Text("listener", 40) ?? "",
            Channel = _values.OneOf<DiscordChannelMode>("channel") ?? defaults.Channel,
            ChannelId = _values.Snowflake("channel_id"),
            CategoryId = _values.Snowflake("category_id"),
            Category = _values.Text("category", 90),
            Name = _values.Text("name", 80) ?? defaults.Name,
            DeleteAfter = _values.Is("delete_after", "never")
                ? null
                : _values.Duration("delete_after", TimeSpan.Zero, 7 * Day, "or never") ?? defaults.DeleteAfter,
            KeepFor = _values.Duration("keep_for", TimeSpan.FromMinutes(1), 365 * Day) ?? defaults.KeepFor,
            History = _values.OneOf<DiscordHistory>("history") ?? defaults.History,
            Long = _values.OneOf<DiscordLongPrompt>("long") ?? defaults.Long,
            Recognise = _values.OneOf<DiscordRecognition>("recognise") ?? defaults.Recognise,
            Tokens = _values.OneOf<DiscordTokens>("tokens") ?? defaults.Tokens,
            AnswersBots = _values.Parse<bool?>(
                BotAccounts.AnswersBots, text => text switch { "true" => true, "false" => false, _ => null }, "true or false") ?? defaults.AnswersBots,
            End = ReadEnd(defaults.End),
            DailyReset = _values.Parse("daily_reset", ReadDailyReset, "a time of day with its offset from UTC, such as 09:00+08:00") ?? defaults.DailyReset,
        };
        CheckCombinations(parsed);
        errors = _values.Errors;
        return errors.Count == 0;
    }

    private DiscordReplyEnd ReadEnd(DiscordReplyEnd defaults)
    {
        var min = TimeSpan.FromSeconds(0.1);
        var max = TimeSpan.FromMinutes(10);
        var end = new DiscordReplyEnd
        {
            FirstWait = _values.Duration("end.first_wait", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            ColdWait = _values.Duration("end.cold_wait", min, max) ?? defaults.ColdWait,
            MinWait = _values.Duration("end.min_wait", min, max) ?? defaults.MinWait,
            MaxWait = _values.Duration("end.max_wait", min, max) ?? defaults.MaxWait,
        };
        if (end.MaxWait < end.MinWait) _values.AddError("end.max_wait", "expected a duration that is not shorter than end.min_wait");
        return end;
    }

    private void CheckCombinations(DiscordBotOptions read)
    {
        if (!_values.Has("listener")) _values.AddError("listener", "missing: the id of a listener");
        var needsChannel = read.Channel is DiscordChannelMode.Fixed or DiscordChannelMode.Thread;
        if (needsChannel && !_values.Has("channel_id")) _values.AddError("channel_id", $"missing: channel {options["channel"]} needs it");
        if (!needsChannel && _values.Has("channel_id")) _values.AddError("channel_id", "only for channel fixed or thread");
        if (needsChannel && _values.Has("category")) _values.AddError("category", "only for channel fresh or named");
        else if (_values.Has("category") && _values.Has("category_id"))
        {
            _values.AddError("category", "not together with category_id: a category has a name or an id");
        }
        if (needsChannel && _values.Has("category_id")) _values.AddError("category_id", "only for channel fresh or named");
    }

    private static DailyReset? ReadDailyReset(string text)
    {
        var sign = text.LastIndexOfAny(['+', '-']);
        if (sign < 0) return null;
        if (OptionValues.TimeOfDay(text[..sign]) is not { } at || OptionValues.TimeOfDay(text[(sign + 1)..]) is not { } offset) return null;
        return offset.Hour > 14 ? null : new DailyReset(at, text[sign] == '-' ? -offset.ToTimeSpan() : offset.ToTimeSpan());
    }
}
